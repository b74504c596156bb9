"""The life of a job: done, put back or buried."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError
from django.utils import timezone

from queueing import backoff, control
from queueing.errors import Permanent, Snooze, Throttled, Transient
from queueing.executor import drain
from queueing.jobs import Batch
from queueing.models import Job, JobAttempt, LaneControl
from queueing.queues import CLEANUP, DELIVERY, QUEUES, Queue
from queueing.registry import Missing
from queueing.testing import make_due, work_all
from tests.queueing.kinds import OTHER, PROBE, PROBES, TENANT, Script, new

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


def test_a_due_job_runs_once_and_is_completed(script: Script) -> None:
    job_id = PROBE.enqueue(tenant_id=TENANT, args={"messageId": "m"})

    report = drain(DELIVERY)

    job = Job.objects.get()
    assert (job.id, job.state, job.attempts, job.result) == (
        job_id,
        "completed",
        1,
        {"success": True},
    )
    assert [[c.args for c in batch] for batch in script.seen] == [[{"messageId": "m"}]]
    assert job.finished_at is not None and job.expires_at is not None and job.token is None
    assert str(report) == "done=1 waiting=0 oldest=0.0s"
    assert drain(DELIVERY).done == 0


def test_many_jobs_run_as_one_batch(script: Script) -> None:
    PROBE.enqueue_many([new(args={"n": n}) for n in range(150)])

    drain(DELIVERY)

    assert [len(batch) for batch in script.seen] == [150]
    assert states() == {"completed": 150}


def test_kinds_are_worked_one_after_the_other(script: Script) -> None:
    for _ in range(3):
        PROBE.enqueue(tenant_id=TENANT, args={})
        OTHER.enqueue(tenant_id=TENANT, args={})

    drain(DELIVERY)

    assert [{job.kind for job in batch} for batch in script.seen] == [
        {"probe-delivery"},
        {"probe-other"},
    ]


def test_heavy_jobs_are_worked_in_slices(script: Script) -> None:
    weights = [400, 400, 400, 5000, 1, 999]
    PROBE.enqueue_many([new(weight=weight) for weight in weights])

    drain(DELIVERY, budget=60)

    slices = [[job.weight for job in batch] for batch in script.seen]
    assert sorted(weight for part in slices for weight in part) == sorted(weights)
    assert [5000] in slices
    assert all(sum(part) <= 1000 for part in slices if part != [5000])


def test_what_there_is_no_time_for_goes_back_uncounted(script: Script) -> None:
    PROBE.enqueue_many([new(weight=1000) for _ in range(3)])

    report = drain(DELIVERY, budget=0)

    assert (report.done, report.more, report.waiting) == (1, True, 2)
    rest = Job.objects.filter(state="waiting")
    assert {(job.attempts, job.crashes, job.deferrals) for job in rest} == {(0, 0, 0)}
    assert JobAttempt.objects.count() == 0


def test_urgent_jobs_go_first(script: Script) -> None:
    for priority in (3, 1, 2, 0, 1):
        PROBE.enqueue(tenant_id=TENANT, args={}, priority=priority, weight=1000)

    drain(DELIVERY, budget=60)

    assert [batch[0].priority for batch in script.seen] == [0, 1, 1, 2, 3]


def test_a_job_of_later_is_left_alone(script: Script) -> None:
    PROBE.enqueue(tenant_id=TENANT, args={}, run_at=timezone.now() + timedelta(hours=1))

    assert work_all()["done"] == 0
    make_due()
    assert work_all()["done"] == 1


@pytest.mark.req("S23", "S150", "D1")
@pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: queue.lane)
def test_a_step_that_raises_is_retried_as_its_queue_says_then_dead(
    queue: Queue, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff.random, "uniform", lambda low, high: 1.0)
    job_id = PROBES[queue.name].enqueue(tenant_id=TENANT, args={})
    script.run = raising(Transient("no answer", code="provider-away"))
    waits = []

    for _ in range(queue.attempts - 1):
        drain(queue)
        job = Job.objects.get()
        assert job.state == "waiting"
        waits.append(round((job.run_at - job.bad_attempts.latest("id").ended_at).total_seconds()))
        assert drain(queue).retried == 0
        make_due()
    drain(queue)

    job = Job.objects.get()
    assert (job.id, job.state, job.attempts) == (job_id, "failed", queue.attempts)
    factor = 2 if queue is not CLEANUP else 1
    assert waits == [queue.base * factor**n for n in range(queue.attempts - 1)]
    assert len(script.seen) == queue.attempts
    chain = job.bad_attempts.order_by("number")
    assert [bad.number for bad in chain] == list(range(1, queue.attempts + 1))
    assert {(bad.error_class, bad.error) for bad in chain} == {("provider-away", "no answer")}
    assert job.expires_at is not None and job.expires_at - job.finished_at == timedelta(days=7)


@pytest.mark.req("S23", "D5", "D13")
def test_an_unknown_error_is_retried_and_its_text_is_not_kept(script: Script) -> None:
    PROBE.enqueue(tenant_id=TENANT, args={})
    script.run = raising(ValueError("secret content"))

    drain(DELIVERY)

    job, bad = Job.objects.get(), JobAttempt.objects.get()
    assert (job.state, job.error_class, job.error) == ("waiting", "ValueError", "ValueError")
    assert "secret" not in f"{bad.error}{bad.location}{bad.error_class}"
    assert bad.location.endswith("in run") and "test_executor.py" in bad.location


def test_a_permanent_error_is_a_dead_letter_at_once(script: Script) -> None:
    PROBE.enqueue(tenant_id=TENANT, args={})
    script.run = raising(Permanent(code="no-recipient"))

    drain(DELIVERY)

    job = Job.objects.get()
    assert (job.state, job.attempts, job.error_class) == ("failed", 1, "no-recipient")


@pytest.mark.parametrize("error", [Throttled(7.0), Snooze(7.0)])
def test_a_deferral_costs_no_attempt(error: Exception, script: Script) -> None:
    PROBE.enqueue_many([new() for _ in range(5)])
    script.run = raising(error)

    drain(DELIVERY)

    assert len(script.seen) == 1
    for job in Job.objects.all():
        assert (job.state, job.attempts, job.deferrals) == ("waiting", 0, 1)
        assert job.run_at > timezone.now() + timedelta(seconds=6)
    assert JobAttempt.objects.count() == 0


def test_one_bad_job_costs_its_neighbours_nothing(script: Script) -> None:
    ids = PROBE.enqueue_many([new() for _ in range(64)])
    poison = {ids[5], ids[40]}

    def run(batch: Batch) -> None:
        if poison & {job.id for job in batch}:
            raise Permanent(code="poison")

    script.run = run
    drain(DELIVERY, budget=60)

    assert states() == {"completed": 62, "failed": 2}
    assert set(Job.objects.dead().values_list("id", flat=True)) == poison
    assert set(Job.objects.filter(state="completed").values_list("attempts", flat=True)) == {1}
    assert len(script.seen) <= 1 + 2 * 2 * 6


def test_the_effects_of_a_failed_half_are_undone(script: Script) -> None:
    ids = PROBE.enqueue_many([new() for _ in range(2)])

    def run(batch: Batch) -> None:
        for job in batch:
            LaneControl.objects.create(queue=str(job.id)[-32:])
        if ids[1] in {job.id for job in batch}:
            raise Permanent

    script.run = run
    drain(DELIVERY)

    assert list(LaneControl.objects.values_list("queue", flat=True)) == [str(ids[0])[-32:]]


def test_a_statement_that_fails_is_an_attempt_of_its_job_alone(script: Script) -> None:
    ids = PROBE.enqueue_many([new() for _ in range(4)])

    def run(batch: Batch) -> None:
        for job in batch:
            LaneControl.objects.create(queue="x" if job.id in ids[:2] else str(job.id)[-32:])

    script.run = run
    drain(DELIVERY)

    assert states() == {"completed": 3, "waiting": 1}
    assert Job.objects.get(state="waiting").error_class == IntegrityError.__name__


@pytest.mark.req("S37", "S48")
def test_a_function_may_fail_single_jobs_and_say_results(script: Script) -> None:
    PROBE.enqueue_many([new() for _ in range(3)])
    ids: list[UUID] = []

    def run(batch: Batch) -> None:
        ids.extend(job.id for job in batch)
        batch.fail(batch[0], Permanent(code="gone"))
        batch.result(batch[1], {"success": True, "recipients": 3})

    script.run = run
    report = drain(DELIVERY)

    found = {job.id: job for job in Job.objects.all()}
    assert found[ids[0]].state == "failed"
    assert found[ids[1]].result == {"success": True, "recipients": 3}
    assert found[ids[2]].result == {"success": True}
    assert (report.done, report.dead, len(script.seen)) == (2, 1, 1)


def test_a_chunk_is_committed_and_the_job_runs_again_uncounted(script: Script) -> None:
    PROBE.enqueue(tenant_id=TENANT, args={})
    chunks = iter(range(3))

    def run(batch: Batch) -> None:
        chunk = next(chunks)
        LaneControl.objects.create(queue=f"chunk {chunk}")
        if chunk < 2:
            batch.again(batch[0])

    script.run = run
    counts = work_all()

    job = Job.objects.get()
    assert (job.state, job.attempts, job.deferrals) == ("completed", 1, 0)
    assert (LaneControl.objects.count(), counts["done"]) == (3, 1)


def test_an_unknown_kind_waits_for_a_worker_that_knows_it(script: Script) -> None:
    PROBE.enqueue(tenant_id=TENANT, args={})
    Job.objects.update(kind="of-the-next-release")

    drain(DELIVERY)

    job = Job.objects.get()
    assert (job.state, job.attempts, job.error_class) == ("waiting", 0, Missing.code)


@pytest.mark.req("S17")
@pytest.mark.usefixtures("operator")
def test_a_paused_queue_is_left_alone(script: Script) -> None:
    PROBE.enqueue(tenant_id=TENANT, args={})
    control.pause(DELIVERY, reason="provider is down")

    assert work_all()["done"] == 0

    control.resume(DELIVERY)
    assert work_all()["done"] == 1


def test_a_paused_tenants_jobs_are_put_off(script: Script) -> None:
    PROBE.enqueue(tenant_id=TENANT, args={})
    LaneControl.objects.create(tenant_id=TENANT)

    drain(DELIVERY)

    job = Job.objects.get()
    assert (job.state, job.attempts, job.deferrals, script.seen) == ("waiting", 0, 1, [])
    assert job.run_at > timezone.now() + timedelta(seconds=50)
