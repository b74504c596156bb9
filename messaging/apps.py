"""The app as Django sees it."""

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "messaging"
