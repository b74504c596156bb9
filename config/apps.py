"""The app as Django sees it."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Wiring: it has no tables."""

    name = "config"

    def ready(self) -> None:
        """Register the checks, and the Celery application that wake-ups are sent through."""
        from config import celery, checks  # noqa: F401
