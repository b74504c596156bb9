"""The app as Django sees it."""

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "messaging"

    def ready(self) -> None:
        """Declare the job kinds and listen to the apps below."""
        from messaging import jobs, receivers  # noqa: F401
