"""A job that is worked a chunk at a time: what is committed is progress."""

import threading

import pytest

from queueing import tasks, wakeup
from queueing.errors import Transient
from queueing.executor import drain
from queueing.jobs import Batch
from queueing.models import Job
from queueing.queues import DELIVERY
from queueing.testing import make_due, work_all
from tests.queueing.kinds import PROBE, TENANT, Script

pytestmark = pytest.mark.django_db(transaction=True)


def test_errors_and_crashes_before_a_chunk_that_was_done_do_not_count(script: Script) -> None:
    job_id = PROBE.enqueue(tenant_id=TENANT, args={})
    turns = iter(["error", "error", "chunk", "error", "error", "chunk", "error", "error", "done"])

    def run(batch: Batch) -> None:
        turn = next(turns)
        if turn == "error":
            raise Transient
        if turn == "chunk":
            batch.again(batch[0])

    script.run = run
    Job.objects.update(crashes=5)
    for _ in range(9):
        make_due()
        work_all([DELIVERY])

    job = Job.objects.get(pk=job_id)
    assert (job.state, job.attempts, job.attempts_base, job.crashes) == ("completed", 7, 4, 0)


@pytest.mark.req("S95")
@pytest.mark.parametrize(("after", "woken"), [(0.1, [0.1]), (1.0, [1.0]), (1.5, []), (0.0, [])])
def test_a_lane_is_woken_for_a_chunk_that_the_sweeper_would_see_too_late(
    script: Script, monkeypatch: pytest.MonkeyPatch, after: float, woken: list[float]
) -> None:
    seen: list[float] = []
    monkeypatch.setattr(wakeup, "wake_later", lambda queue, seconds: seen.append(seconds))
    monkeypatch.setattr(wakeup, "wake", lambda queues: None)
    PROBE.enqueue(tenant_id=TENANT, args={})
    script.run = lambda batch: batch.again(batch[0], after)

    tasks.follow(DELIVERY, drain(DELIVERY, budget=0), None)

    assert seen == woken


def test_a_wake_up_for_later_comes_later(monkeypatch: pytest.MonkeyPatch) -> None:
    woken = threading.Event()
    monkeypatch.setattr(wakeup, "wake", lambda queues: woken.set())

    wakeup.wake_later(DELIVERY, 0.05)

    assert not woken.is_set()
    assert woken.wait(5)
