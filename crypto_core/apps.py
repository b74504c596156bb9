"""The app as Django sees it."""

from django.apps import AppConfig


class CryptoCoreConfig(AppConfig):
    name = "crypto_core"
    verbose_name = "Encryption"

    def ready(self) -> None:
        from crypto_core import checks  # noqa: F401  registers them
