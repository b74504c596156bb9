"""Leases that are lost, times that are up, rows that crashed before."""

from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction

from queueing import executor
from queueing.errors import TimedOut, Transient
from queueing.executor import drain
from queueing.jobs import Batch
from queueing.models import Job, LaneControl
from queueing.queues import DELIVERY
from tests.queueing.kinds import PROBE, Script, new

pytestmark = pytest.mark.django_db


def states() -> dict[str, int]:
    """How many jobs are in each state."""
    found: dict[str, int] = {}
    for state in Job.objects.values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


def raising(error: Exception) -> Any:
    def run(batch: Batch) -> None:
        raise error

    return run


def take_away(ids: list[UUID]) -> None:
    """Do to *ids* what the sweeper does to jobs whose holder is gone."""
    Job.objects.filter(id__in=ids).update(state="waiting", token=None, crashes=1)


def test_who_lost_the_lease_leaves_no_effects(script: Script) -> None:
    ids = PROBE.enqueue_many([new() for _ in range(4)])

    def run(batch: Batch) -> None:
        for job in batch:
            LaneControl.objects.create(queue=str(job.id)[-32:])

    taken = iter([ids[:1]])

    def lose(batch: Batch) -> None:
        run(batch)
        # in a transaction of the sweeper's own in life: here it is rolled back with the effects
        for job_id in next(taken, []):
            stolen.append(job_id)

    stolen: list[UUID] = []
    complete = executor.settlement.complete

    def completing(jobs: Any, results: Any) -> Any:
        if stolen and stolen[0] in {job.id for job in jobs}:
            raise executor.LeaseLost
        return complete(jobs, results)

    script.run = lose
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(executor.settlement, "complete", completing)
        patch.setattr(
            executor.claims, "still_mine", lambda jobs: [j for j in jobs if j.id not in stolen]
        )
        drain(DELIVERY)

    assert LaneControl.objects.count() == 3
    assert states() == {"completed": 3, "active": 1}


def test_a_taken_job_cannot_be_completed(script: Script) -> None:
    ids = PROBE.enqueue_many([new() for _ in range(2)])
    claim = executor.claims.take(DELIVERY)
    take_away(ids[:1])

    with pytest.raises(executor.LeaseLost), transaction.atomic():
        executor.settlement.complete(claim.jobs, {})

    assert [job.id for job in executor.claims.still_mine(claim.jobs)] == ids[1:]


def test_a_timeout_in_company_is_a_crash_and_alone_an_attempt(script: Script) -> None:
    ids = PROBE.enqueue_many([new() for _ in range(2)])
    script.run = raising(executor.SoftTimeLimitExceeded())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "close", lambda: None)  # the test's transaction
        drain(DELIVERY)
        assert set(Job.objects.values_list("crashes", "attempts")) == {(1, 0)}
        Job.objects.filter(id=ids[0]).update(crashes=3)
        Job.objects.filter(id=ids[1]).update(state="cancelled")
        drain(DELIVERY)

    job = Job.objects.get(id=ids[0])
    assert (job.state, job.attempts, job.error_class) == ("waiting", 1, TimedOut.code)


def test_after_a_timeout_nothing_else_begins(script: Script) -> None:
    PROBE.enqueue_many([new() for _ in range(4)])
    Job.objects.filter(id__in=Job.objects.order_by("id")[3:].values("id")).update(crashes=1)

    def run(batch: Batch) -> None:
        if len(batch) > 1:
            raise Transient
        raise executor.SoftTimeLimitExceeded

    script.run = run
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "close", lambda: None)  # the test's transaction
        report = drain(DELIVERY)

    assert [len(batch) for batch in script.seen] == [3, 1]
    assert report.more and states() == {"waiting": 4}
    assert sorted(Job.objects.values_list("attempts", "crashes")) == [
        (0, 0),
        (0, 0),
        (0, 1),
        (1, 0),
    ]


def test_rows_that_crashed_come_back_in_ever_smaller_company(script: Script) -> None:
    PROBE.enqueue_many([new() for _ in range(200)])
    everyone = list(Job.objects.order_by("id").values_list("id", flat=True))
    Job.objects.filter(id__in=everyone[:100]).update(crashes=1)
    Job.objects.filter(id__in=everyone[100:130]).update(crashes=2)
    Job.objects.filter(id__in=everyone[130:133]).update(crashes=4)

    while drain(DELIVERY, budget=60).worked:
        pass

    sizes = [(len(batch), {job.crashes for job in batch}) for batch in script.seen]
    assert sizes == [
        (67, {0}),
        (50, {1}),
        (50, {1}),
        (12, {2}),
        (12, {2}),
        (6, {2}),
        (1, {4}),
        (1, {4}),
        (1, {4}),
    ]
