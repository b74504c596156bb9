"""The addresses of the queues: `urlpatterns` below the API's prefix, `probes` at the root."""

from django.urls import path

from queueing.api import probes as probe
from queueing.api import views

# Both forms are required: with and without messages/ (S114-S120).
urlpatterns = [
    path("messages/jobs/<uuid:job_id>", views.OneJob.as_view()),
    path("messages/jobs/<uuid:job_id>/retry", views.RetryJob.as_view()),
    path("jobs/<uuid:job_id>", views.OneJob.as_view()),
    path("jobs/<uuid:job_id>/retry", views.RetryJob.as_view()),
    *(
        path(f"{prefix}queue/{address}", view.as_view())
        for prefix in ("messages/", "")
        for address, view in (
            ("metrics", views.Metrics),
            ("health", views.Health),
            ("<str:queue>/health", views.QueueHealth),
            ("<str:queue>/failed", views.FailedJobs),
            ("<str:queue>/failed/<uuid:job_id>/retry", views.RetryFailed),
        )
    ),
]

probes = [path("live", probe.live), path("ready", probe.ready)]
