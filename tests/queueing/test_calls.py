"""Outside calls, and who hears of dead letters."""

from typing import Any
from uuid import UUID

import pytest

from queueing.errors import Permanent, Transient
from queueing.executor import drain
from queueing.jobs import Batch, Claimed, Outcome
from queueing.models import Job, LaneControl
from queueing.queues import DELIVERY, NOTIFICATION
from queueing.signals import job_failed
from queueing.testing import work_all
from tests.queueing.kinds import PROBE, TENANT, Script, call

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


def test_outside_calls_run_one_by_one_and_store_their_effects(script: Script) -> None:
    ids = [call.enqueue(tenant_id=TENANT, args={"n": n}) for n in range(3)]

    def answer(job: Claimed) -> Outcome:
        if job.id == ids[1]:
            raise Transient(code="provider-503")
        return Outcome(
            effect=lambda: LaneControl.objects.create(queue=str(job.args["n"])), result={"n": 1}
        )

    script.call = answer
    report = drain(NOTIFICATION, threads=1)

    assert (report.done, report.retried) == (2, 1)
    assert sorted(LaneControl.objects.values_list("queue", flat=True)) == ["0", "2"]
    assert Job.objects.get(id=ids[0]).result == {"n": 1}
    assert Job.objects.get(id=ids[1]).error_class == "provider-503"


def test_an_effect_that_raises_fails_its_own_call_alone(script: Script) -> None:
    ids = [call.enqueue(tenant_id=TENANT, args={}) for _ in range(3)]

    def effect() -> None:
        raise Permanent(code="bad-answer")

    script.call = lambda job: Outcome(effect=effect if job.id == ids[2] else None)
    drain(NOTIFICATION, threads=1)

    assert Job.objects.get(id=ids[2]).error_class == "bad-answer"
    assert states() == {"completed": 2, "failed": 1}


def test_an_unfinished_call_runs_again(script: Script) -> None:
    call.enqueue(tenant_id=TENANT, args={})
    answers = iter([Outcome(again=0.0), None])
    script.call = lambda job: next(answers)

    assert work_all()["done"] == 1
    assert len(script.seen) == 2


def test_listeners_hear_of_dead_letters_once(script: Script) -> None:
    heard: list[tuple[UUID, str, int]] = []

    def receiver(jobs: list[Claimed], error: Exception, **_: object) -> None:
        heard.extend((job.id, str(error), job.attempts) for job in jobs)

    job_failed.connect(receiver)
    try:
        job_id = PROBE.enqueue(tenant_id=TENANT, args={})
        script.run = raising(Permanent(code="gone"))
        drain(DELIVERY)
    finally:
        job_failed.disconnect(receiver)

    assert heard == [(job_id, "gone", 1)]


def test_a_listener_that_raises_does_not_keep_a_job_alive(script: Script) -> None:
    def receiver(**_: object) -> None:
        LaneControl.objects.create(queue="undone")
        raise ValueError

    job_failed.connect(receiver)
    try:
        PROBE.enqueue(tenant_id=TENANT, args={})
        script.run = raising(Permanent())
        drain(DELIVERY)
    finally:
        job_failed.disconnect(receiver)

    assert states() == {"failed": 1}
    assert not LaneControl.objects.exists()
