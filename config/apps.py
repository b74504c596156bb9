"""The app as Django sees it."""

from django.apps import AppConfig
from django.conf import settings


class ConfigConfig(AppConfig):
    """Wiring: it has no tables."""

    name = "config"

    def ready(self) -> None:
        """Register the checks, and the Celery application that wake-ups are sent through."""
        from config import celery, checks, sentry  # noqa: F401

        sentry.start(settings.SENTRY_DSN, settings.VERSION)
