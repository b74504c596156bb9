"""What Flower shows of a queue's health: a line where it is well, an error of codes where not."""

from collections.abc import Iterator

import pytest
from celery import current_app
from django.db import OperationalError

from config.programs import LANES
from config.schedule import SCHEDULE
from queueing import checkups, health, wakeup
from queueing.errors import QueueUnhealthy
from queueing.ids import uuid7
from queueing.lanes import Identity
from queueing.models import LaneControl
from queueing.postgres import execute
from queueing.queues import DELIVERY, QUEUES
from tests.queueing.kinds import PROBE, TENANT

pytestmark = [pytest.mark.django_db, pytest.mark.req("S130")]


@pytest.fixture(autouse=True)
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A worker for every queue, and a Redis that answers."""
    monkeypatch.setattr(wakeup, "answers", lambda: True)
    Identity(uuid7(), "all@here", 2, QUEUES).beat()
    yield


def look() -> str:
    """What the task of the delivery queue returns."""
    found: str = current_app.tasks["health.delivery"]()
    return found


def wait_for(seconds: int) -> None:
    """Let a job have been waiting for so long."""
    PROBE.enqueue(tenant_id=TENANT, args={"messageId": "canary"})
    execute(
        "UPDATE jobs SET run_at = now() - make_interval(secs => %(age)s::int)", {"age": seconds}
    )


def test_a_queue_that_is_well_is_one_line() -> None:
    wait_for(4)

    assert look() == "healthy waiting=1 oldest=4.0s failing=0.0% workers=1"


def test_a_queue_that_is_stuck_fails_with_a_code_and_nothing_else() -> None:
    wait_for(40)

    with pytest.raises(QueueUnhealthy, match=r"^stuck$"):
        look()


def test_a_queue_without_workers_and_with_too_much_says_both(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "MOST_WAITING", 1)
    execute("DELETE FROM workers")
    wait_for(1)

    with pytest.raises(QueueUnhealthy, match=r"^no-workers full$"):
        look()


def test_a_paused_and_a_degraded_queue_do_not_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakeup, "answers", lambda: False)
    assert look().startswith("degraded ")

    LaneControl.objects.create(queue=DELIVERY.name)
    wait_for(400)
    assert look().startswith("paused ")


def test_a_ledger_that_does_not_answer_is_a_code_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("connection to server at 10.0.0.1 failed")

    monkeypatch.setattr(health, "everything", away)

    with pytest.raises(QueueUnhealthy, match=r"^database-away$"):
        look()


def test_the_error_is_the_one_that_flower_shows_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWER_PASSWORD", "secret")
    from config.flower import CODES_ONLY

    assert repr(QueueUnhealthy("stuck")).startswith(CODES_ONLY)


def test_every_queue_is_looked_at_each_15_seconds_by_the_other_worker() -> None:
    lines = {line.name: line for line in SCHEDULE if line.name.startswith("health.")}

    assert list(sorted(lines)) == sorted(task.name for task in checkups.TASKS)
    for queue in QUEUES:
        line = lines[f"health.{queue.lane}"]
        assert (line.every, line.period, queue.name in line.description) == (15, 15, True)
        together = [queues for queues, _ in LANES.values() if queue in queues]
        assert line.queue not in together[0]
