"""The operators' pages of the queues: jobs, lanes, workers, and what ran by the clock."""

from queueing.admin import jobs, lanes, workers

__all__ = ["jobs", "lanes", "workers"]
