"""What runs by the clock: one entry a periodic job; beat keeps them in its tables.

Plain data, so that settings may read it. Each expires with its period: what is late is done next time.
"""

from datetime import timedelta
from typing import Any

from queueing.queues import CLEANUP


def every(period: timedelta, task: str) -> dict[str, Any]:
    """The entry of a task that runs once a *period*."""
    options = {"queue": CLEANUP.name, "expires": period.total_seconds()}
    return {"task": task, "schedule": period, "options": options}


PERIODIC = {
    "prune the ledger": every(timedelta(minutes=5), "cleanup.prune"),
}
