"""The Celery application: it carries wake-ups; work and time are the ledger's."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("waxwing")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()  # the current app is kept per thread; a request's thread would see none
app.autodiscover_tasks()  # the drains
app.autodiscover_tasks(["queueing"], related_name="maintenance")
app.autodiscover_tasks(["queueing"], related_name="checkups")
app.autodiscover_tasks(related_name="jobs")  # what they work on
app.steps["worker"].add("queueing.sweeper:Sweeper")
