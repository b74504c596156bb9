"""The Celery tasks that say how a queue is, so that Flower shows it: red while it is unhealthy.

They read the ledger and carry no arguments. A text of theirs is words and numbers, never content.
"""

from typing import Any

from celery import Task, shared_task
from django.db import DatabaseError, InterfaceError

from queueing import health
from queueing.errors import QueueUnhealthy
from queueing.health import QueueHealth
from queueing.queues import QUEUES, Queue

SECONDS = 10  # a look that takes longer tells nothing


def declare(queue: Queue) -> Task[[], str]:
    """The task that says how *queue* is, and fails where that is bad."""

    @shared_task(
        name=f"health.{queue.lane}",
        soft_time_limit=SECONDS,
        max_retries=None,
        ignore_result=True,
        throws=(QueueUnhealthy,),  # expected: one line in the log, no traceback
    )
    def check_up() -> str:
        return report(queue)

    task: Task[[], str] = check_up
    return task


def report(queue: Queue) -> str:
    """How *queue* is, in one line. Raises QueueUnhealthy with the reasons as codes."""
    try:
        found = health.of(queue)
    except (DatabaseError, InterfaceError):
        raise QueueUnhealthy("database-away") from None
    if found["status"] == "unhealthy":
        raise QueueUnhealthy(" ".join(reasons(found)))
    return in_words(found)


def reasons(found: QueueHealth) -> list[str]:
    """Why a queue is unhealthy, as codes."""
    checks: dict[str, Any] = dict(found["checks"])
    codes = {
        "no-workers": found["workers"] == 0,
        "stuck": found["workers"] > 0 and not checks["processing"],
        "full": not checks["accepting"],
    }
    return [code for code, holds in codes.items() if holds]


def in_words(found: QueueHealth) -> str:
    """The health of a queue as Flower shows it."""
    return (
        f"{found['status']} waiting={found['waiting']} oldest={found['oldestSeconds']:.1f}s"
        f" failing={found['failureRate']:.1%} workers={found['workers']}"
    )


TASKS = tuple(declare(queue) for queue in QUEUES)
