"""The app as Django sees it."""

from django.apps import AppConfig


class CryptoCoreConfig(AppConfig):
    name = "crypto_core"
