"""The operators' pages of the queues: jobs, lanes, circuits, workers, alerts, what ran by the clock."""

from queueing.admin import alerts, circuits, jobs, lanes, workers

__all__ = ["alerts", "circuits", "jobs", "lanes", "workers"]
