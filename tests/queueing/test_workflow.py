"""Steps that run one after another, and what a failure of one means for the others."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from queueing import control
from queueing.errors import JobNotFound, JobStateConflict, Permanent, Transient
from queueing.executor import drain
from queueing.ids import job_of, new_run
from queueing.jobs import Batch, NewJob
from queueing.models import Job
from queueing.queues import DELIVERY, ENCRYPTION, INDEXING, NOTIFICATION
from queueing.routes import lanes_after
from queueing.testing import assert_enqueued, make_due, work_all
from queueing.workflow import Run, Step, Workflow
from tests.queueing.kinds import PROBE, PROBES, STEPS, TENANT, WALK, Script

pytestmark = pytest.mark.django_db


def start(steps: tuple[str, ...] = STEPS, **more: Any) -> UUID:
    run = new_run()
    WALK.start(run, steps=steps, tenant_id=TENANT, args={"messageId": str(run)}, **more)
    return run


def states(run: UUID) -> list[str]:
    return list(Job.objects.of_run(run).values_list("state", flat=True))


def failing(kind: str, error: Exception) -> Any:
    def run(batch: Batch) -> None:
        for job in batch:
            if job.kind == f"probe-{kind}":
                batch.fail(job, error)

    return run


@pytest.mark.req("S42")
def test_starting_answers_the_ids_of_the_jobs_without_reading(
    django_assert_num_queries: Any,
) -> None:
    run = new_run()

    with django_assert_num_queries(1):
        ids = WALK.start(run, steps=STEPS, tenant_id=TENANT, args={})

    assert ids == {name: job_of(run, number) for number, name in enumerate(STEPS, start=1)}
    assert WALK.job_ids(run, STEPS) == ids
    assert states(run) == ["waiting", "blocked", "blocked", "blocked"]


@pytest.mark.req("S43", "S48", "D4")
def test_each_step_waits_for_the_one_before(script: Script) -> None:
    run = start()
    seen = []

    for lane in (INDEXING, NOTIFICATION, DELIVERY, ENCRYPTION):
        assert drain(lane).done == (lane is ENCRYPTION)
    for lane in (DELIVERY, NOTIFICATION, INDEXING):
        seen.append((states(run), drain(lane).unblocked))

    assert seen == [
        (["completed", "waiting", "blocked", "blocked"], {NOTIFICATION.name, INDEXING.name}),
        (["completed", "completed", "waiting", "waiting"], set()),
        (["completed", "completed", "completed", "waiting"], set()),
    ]
    assert states(run) == ["completed"] * 4


@pytest.mark.req("S44")
def test_a_step_that_was_not_asked_for_has_no_job(script: Script) -> None:
    run = new_run()

    ids = WALK.start(run, steps=("delivery", "indexing"), tenant_id=TENANT, args={})

    assert ids["encryption"] is None and ids["notification"] is None
    assert ids["indexing"] == job_of(run, 4)
    assert states(run) == ["waiting", "blocked"]
    assert work_all()["done"] == 2


@pytest.mark.req("S22")
def test_many_runs_start_with_one_statement(django_assert_num_queries: Any, script: Script) -> None:
    runs = [Run(new_run(), STEPS, NewJob(tenant_id=TENANT)) for _ in range(100)]

    with django_assert_num_queries(1):
        WALK.start_many(runs)

    assert work_all()["done"] == 400
    assert [len(batch) for batch in script.seen] == [100] * 4


def test_a_scheduled_run_begins_at_its_time(script: Script) -> None:
    start(run_at=timezone.now() + timedelta(hours=1))

    assert work_all()["done"] == 0
    make_due()
    assert work_all()["done"] == 4


@pytest.mark.req("S44", "S48", "D4")
def test_failed_notification_does_not_stop_indexing(script: Script) -> None:
    run = start()
    script.run = failing("notification", Permanent(code="no-device"))

    work_all()

    assert states(run) == ["completed", "completed", "failed", "completed"]


@pytest.mark.req("S45", "S48")
def test_the_errors_of_a_run_stand_together_in_the_ledger(script: Script) -> None:
    def run(batch: Batch) -> None:
        for job in batch:
            if job.kind != PROBE.name:
                batch.fail(job, Permanent(code=f"{job.kind}-refused"))

    run_id = start(("delivery", "notification", "indexing"))
    script.run = run
    work_all()

    found = Job.objects.of_run(run_id)
    assert [(job.state, job.error_class) for job in found] == [
        ("completed", ""),
        ("failed", "probe-notification-refused"),
        ("failed", "probe-indexing-refused"),
    ]


@pytest.mark.req("S44", "S48")
def test_a_dead_critical_step_keeps_the_later_ones_blocked(script: Script) -> None:
    run = start()
    script.run = failing("delivery", Permanent(code="broken"))

    work_all()

    assert states(run) == ["completed", "failed", "blocked", "blocked"]


@pytest.mark.req("S13", "S47")
def test_retry_resumes_at_the_failed_step_with_all_its_attempts(script: Script) -> None:
    run = start()
    script.run = failing("delivery", Transient(code="away"))
    for _ in range(DELIVERY.attempts):
        work_all()
        make_due()
    dead = Job.objects.get(id=job_of(run, 2))
    assert (dead.state, dead.attempts) == ("failed", 5)

    job = control.retry(dead.id, reason="provider is back")

    assert (job.id, job.state, job.generation) == (dead.id, "waiting", 1)
    assert (job.attempts, job.attempts_base, job.max_attempts) == (5, 5, 10)
    for _ in range(DELIVERY.attempts - 1):
        work_all()
        make_due()
    assert Job.objects.get(id=dead.id).state == "waiting"
    script.forget()
    work_all()
    assert states(run) == ["completed"] * 4
    assert [len(batch) for batch in script.seen] == [1, 1, 1]
    assert Job.objects.get(id=dead.id).bad_attempts.count() == 9


def test_only_dead_letters_can_be_retried(script: Script) -> None:
    job_id = PROBE.enqueue(tenant_id=TENANT, args={})

    with pytest.raises(JobStateConflict):
        control.retry(job_id)
    with pytest.raises(JobNotFound):
        control.retry(new_run())


def test_cancelling_a_waiting_job_ends_what_waits_for_it(script: Script) -> None:
    run = start()
    drain(ENCRYPTION)

    job = control.cancel(job_of(run, 2), reason="sent by mistake")

    assert job.state == "cancelled"
    assert states(run) == ["completed", "cancelled", "cancelled", "cancelled"]
    assert work_all()["done"] == 0


def test_cancelling_an_active_job_ends_the_run_at_its_next_boundary(script: Script) -> None:
    run = start()
    script.run = lambda batch: control.cancel(batch[0].id)

    work_all()

    assert states(run) == ["completed", "cancelled", "cancelled", "cancelled"]


def test_cancelling_an_active_job_keeps_it_from_being_tried_again(script: Script) -> None:
    run = start()

    def fail(batch: Batch) -> None:
        Job.objects.filter(id=batch[0].id).update(cancel_requested=True)
        batch.fail(batch[0], Transient())

    script.run = fail
    work_all()

    assert states(run) == ["cancelled"] * 4


def test_discarding_a_dead_letter_ends_what_waits_for_it(script: Script) -> None:
    run = start()
    script.run = failing("encryption", Permanent())
    work_all()

    control.discard(job_of(run, 1), reason="not worth it")

    assert states(run) == ["cancelled"] * 4
    with pytest.raises(JobStateConflict):
        control.discard(job_of(run, 1))


def test_the_lanes_that_follow_are_known() -> None:
    assert lanes_after(ENCRYPTION) == (DELIVERY, NOTIFICATION, INDEXING)
    assert lanes_after(NOTIFICATION) == (INDEXING,)
    assert lanes_after(INDEXING) == ()


def test_an_unknown_step_is_refused() -> None:
    with pytest.raises(ValueError, match="translation"):
        WALK.start(new_run(), steps=("translation",), tenant_id=TENANT, args={})


@pytest.mark.parametrize(
    "steps",
    [
        [("a", 1, True), ("b", 0, True)],
        [("a", 0, True), ("a", 1, True)],
        [("a", 0, True), ("b", 0, True), ("c", 1, True)],
        [("a", 0, False), ("b", 1, True)],
    ],
)
def test_an_order_that_cannot_be_followed_is_refused(steps: list[tuple[str, int, bool]]) -> None:
    kind = PROBES[DELIVERY.name]
    with pytest.raises(ValueError, match="steps"):
        Workflow("wrong", *(Step(name, kind, at, critical) for name, at, critical in steps))


def test_what_was_enqueued_can_be_asserted() -> None:
    start()

    assert assert_enqueued(PROBE).state == "blocked"
    with pytest.raises(AssertionError):
        assert_enqueued(PROBE, messageId="another")
