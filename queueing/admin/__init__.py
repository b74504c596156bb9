"""The operators' pages of the queues: jobs, lanes, workers, alerts, and what ran by the clock."""

from queueing.admin import alerts, jobs, lanes, workers

__all__ = ["alerts", "jobs", "lanes", "workers"]
