"""The Celery application: it carries wake-ups; work and time are the ledger's."""

import os

from billiard import pool
from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("waxwing")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()  # the current app is kept per thread; a request's thread would see none
app.autodiscover_tasks()  # the drains
app.autodiscover_tasks(["queueing"], related_name="maintenance")
app.autodiscover_tasks(["queueing"], related_name="checkups")
app.autodiscover_tasks(["queueing"], related_name="alerts")
app.autodiscover_tasks(related_name="jobs")  # what they work on
app.steps["worker"].add("queueing.sweeper:Sweeper")

# A child that ends waits until its last answer was counted, by default for 30 s. A worker that is
# stopping may never count it, and nothing here depends on answers: the ledger has committed.
pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = 20  # tenths of a second
