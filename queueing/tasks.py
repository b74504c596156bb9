"""The Celery tasks, one a lane: drain what is due, then hand the chain on.

They carry no arguments: which jobs there are, only the ledger knows. A wake-up that is lost,
doubled or late changes nothing.
"""

import logging
from typing import Any

from celery import Task, shared_task
from celery.signals import task_prerun
from django.db import close_old_connections

from queueing import wakeup
from queueing.errors import DatabaseAway, DrainFailed
from queueing.executor import drain
from queueing.queues import BY_NAME, QUEUES, Queue, find
from queueing.turns import Report
from queueing.verdicts import Trouble

GRACE = 15  # seconds between the soft limit, which settles the jobs, and the hard one

log = logging.getLogger(__name__)


@task_prerun.connect
def drop_broken_connections(**_: Any) -> None:
    """Let no task begin on a connection that PostgreSQL's restart has cut."""
    close_old_connections()


def declare(queue: Queue) -> Task[[], str]:
    """The task that drains *queue*; the queue's timeout limits it."""

    @shared_task(
        bind=True,
        name=f"{queue.lane}.drain",
        soft_time_limit=queue.timeout,
        time_limit=queue.timeout + GRACE,
        max_retries=None,  # the ledger counts; Celery's default of 3 would win over it
        ignore_result=True,
    )
    def drain_lane(self: Any) -> str:
        wakeup.lower_flag(queue)
        report = work(queue, self.request.id or "")
        self.request.chain = follow(queue, report, self.request.chain)
        return str(report)

    return drain_lane


def work(queue: Queue, task_id: str) -> Report:
    """Drain *queue*; what goes wrong is told without what an error's text may quote."""
    try:
        return drain(queue, task_id=task_id)
    except DatabaseAway:
        raise
    except Exception as error:
        trouble = Trouble.of(queue.lane, error)
        told = {"code": trouble.code}
        log.error("%s.drain: %s at %s", queue.lane, trouble.code, trouble.location, extra=told)
        raise DrainFailed(trouble.code) from None


def follow(queue: Queue, report: Report, chain: list[Any] | None) -> list[Any] | None:
    """Wake whom *report* gave work; what is left of the *chain*, None where it ends here."""
    ready = [BY_NAME[name] for name in report.unblocked]
    following = find(chain[-1]["task"].removesuffix(".drain")) if chain else None
    goes_on = following is not None and bool(report.done)
    if following is not None and ready:
        goes_on = following in ready
    wakeup.wake(lane for lane in ready if lane is not following)
    if report.more:
        wakeup.wake([queue])
    elif report.soon:
        wakeup.wake_later(queue, report.soon)
    # The next lane's flag is raised by us: a link that finds one raised would only come second.
    if following is not None and goes_on and wakeup.raise_flag(following):
        return chain
    return None


TASKS = tuple(declare(queue) for queue in QUEUES)
