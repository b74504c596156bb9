"""The app as Django sees it."""

from django.apps import AppConfig


class QueueingConfig(AppConfig):
    name = "queueing"
