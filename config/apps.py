"""The app as Django sees it."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Wiring: it has no tables."""

    name = "config"

    def ready(self) -> None:
        """Register the checks."""
        from config import checks  # noqa: F401
