"""The addresses of the queues: `urlpatterns` below the API's prefix, `probes` at the root."""

from django.urls import path

from queueing.api import failure_views as failures
from queueing.api import probes as probe
from queueing.api import scrape, views

ADDRESSES = (
    ("jobs/<uuid:job_id>", views.OneJob),
    ("jobs/<uuid:job_id>/retry", views.RetryJob),
    ("queue/metrics", views.Metrics),
    ("queue/health", views.Health),
    ("queue/<str:queue>/health", views.QueueHealth),
    ("queue/<str:queue>/failures", failures.Failures),
    ("queue/<str:queue>/failed", views.FailedJobs),
    ("queue/<str:queue>/failed/<uuid:job_id>/retry", views.RetryFailed),
)

# Both forms are required (S114-S120); the schema shows one of them.
urlpatterns = [
    *(path(f"messages/{address}", view.as_view()) for address, view in ADDRESSES),
    *(path(address, view.as_view(schema=None)) for address, view in ADDRESSES),
]

probes = [
    path("live", probe.live),
    path("ready", probe.ready),
    path("metrics", scrape.scrape),
]
