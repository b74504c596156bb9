"""The Celery application: it carries wake-ups, never work (reliability.md, constraint 5)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("waxwing")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
