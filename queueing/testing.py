"""What the tests of other apps use: work the ledger off in this process, without Celery."""

import math
from collections.abc import Iterable
from dataclasses import asdict

from queueing.executor import drain
from queueing.models import Job
from queueing.postgres import execute
from queueing.queues import QUEUES, Queue
from queueing.registry import Kind
from queueing.turns import Report

ROUNDS = 1000  # more than any walk needs; a job that always puts itself back would never end


def work_all(queues: Iterable[Queue] | None = None) -> dict[str, int]:
    """Work off everything that is due in *queues* (all), and what follows; the counts."""
    lanes = tuple(queues or QUEUES)
    total = Report()
    for _ in range(ROUNDS):
        reports = [drain(lane, threads=1, budget=math.inf) for lane in lanes]
        for report in reports:
            total.done += report.done
            total.retried += report.retried
            total.dead += report.dead
            total.deferred += report.deferred
        if not any(report.worked for report in reports):
            break
    return {
        name: number
        for name, number in asdict(total).items()
        if name in ("done", "retried", "dead", "deferred")
    }


def make_due() -> int:
    """Make everything that waits for its time due now; how many jobs that were."""
    return execute("UPDATE jobs SET run_at = now() WHERE state = 'waiting' AND run_at > now()")


def assert_enqueued(kind: Kind, **args: object) -> Job:
    """The newest job of *kind* whose args contain *args*; fails where there is none."""
    wanted = {name: str(value) for name, value in args.items()}
    for job in Job.objects.filter(kind=kind.name).order_by("-id"):
        if wanted.items() <= {name: str(value) for name, value in job.args.items()}.items():
            return job
    raise AssertionError(f"no {kind.name} with {wanted}")
