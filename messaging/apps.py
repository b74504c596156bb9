"""The app as Django sees it."""

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "messaging"

    def ready(self) -> None:
        """Declare the job kinds, listen to the apps below, and look at the credentials."""
        from messaging import checks, jobs, receivers  # noqa: F401
