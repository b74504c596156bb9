"""The app as Django sees it."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
