"""The tables: the ledger of jobs and what surrounds it."""

from queueing.models.alerts import AlertIncident
from queueing.models.jobs import Job, JobAttempt, JobQuerySet, sees_all
from queueing.models.lanes import CircuitBreaker, LaneControl, QueueMinute, ScheduledRun, Worker

__all__ = [
    "AlertIncident",
    "CircuitBreaker",
    "Job",
    "JobAttempt",
    "JobQuerySet",
    "LaneControl",
    "QueueMinute",
    "ScheduledRun",
    "Worker",
    "sees_all",
]
