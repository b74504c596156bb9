"""Counters and health of the queues."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from queueing import health, metrics, wakeup
from queueing.errors import Permanent
from queueing.executor import drain
from queueing.ids import uuid7
from queueing.jobs import Batch
from queueing.lanes import Identity
from queueing.models import LaneControl
from queueing.postgres import execute
from queueing.queues import BATCH, CLEANUP, DELIVERY, INDEXING, QUEUES
from tests.queueing.kinds import PROBE, PROBES, TENANT, Script, new

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A worker for every queue, and a Redis that answers."""
    monkeypatch.setattr(wakeup, "answers", lambda: True)
    Identity(uuid7(), "all@here", 2, QUEUES).beat()
    yield


def fail(batch: Batch) -> None:
    raise Permanent(code="gone")


@pytest.mark.req("S124")
def test_every_queue_is_counted_by_state(script: Script) -> None:
    PROBE.enqueue_many([new() for _ in range(3)])
    drain(DELIVERY)
    PROBE.enqueue_many([new() for _ in range(2)])
    PROBE.enqueue(tenant_id=TENANT, args={}, run_at=timezone.now() + timedelta(hours=1))
    PROBES[INDEXING.name].enqueue(tenant_id=TENANT, args={})
    script.run = fail
    drain(INDEXING)

    found = metrics.snapshot()

    assert list(found["queues"]) == [queue.key for queue in QUEUES]
    delivery = found["queues"]["MESSAGE_DELIVERY"]
    assert delivery["name"] == "message-delivery"
    assert (delivery["waiting"], delivery["completed"], delivery["delayed"]) == (2, 3, 1)
    assert delivery["ratePerMinute"] == 0.6
    assert found["queues"]["MESSAGE_INDEXING"]["failed"] == 1
    assert found["totals"] == {
        "waiting": 2,
        "active": 0,
        "completed": 3,
        "failed": 1,
        "delayed": 1,
        "paused": 0,
    }
    assert found["timestamp"].endswith("Z")


@pytest.mark.req("S125")
def test_the_flat_form_has_four_counters_a_queue() -> None:
    assert metrics.flat() == {
        queue.key: {"waiting": 0, "active": 0, "completed": 0, "failed": 0} for queue in QUEUES
    }


def test_what_waits_in_a_paused_queue_is_paused() -> None:
    PROBE.enqueue_many([new() for _ in range(2)])
    LaneControl.objects.create(queue=DELIVERY.name)

    delivery = metrics.snapshot()["queues"]["MESSAGE_DELIVERY"]

    assert (delivery["waiting"], delivery["paused"]) == (0, 2)
    assert health.of(DELIVERY)["status"] == "paused"


def test_rows_that_crashed_before_are_counted_too() -> None:
    PROBE.enqueue_many([new() for _ in range(2)])
    execute("UPDATE jobs SET crashes = 1, run_at = now() - interval '9 s'")

    delivery = metrics.snapshot()["queues"]["MESSAGE_DELIVERY"]

    assert (delivery["waiting"], delivery["oldestSeconds"]) == (2, 9.0)


@pytest.mark.req("S126", "D14")
def test_an_idle_queue_is_healthy() -> None:
    found = health.everything()

    assert found["status"] == "healthy"
    assert found["queues"]["MESSAGE_CLEANUP"] == {
        "queue": "message-cleanup",
        "key": "MESSAGE_CLEANUP",
        "status": "healthy",
        "checks": {
            "redis": True,
            "accepting": True,
            "processing": True,
            "highFailureRate": False,
        },
        "failureRate": 0.0,
        "averageProcessingTime": 0.0,
        "waiting": 0,
        "oldestSeconds": 0.0,
        "workers": 1,
        "checkedAt": found["queues"]["MESSAGE_CLEANUP"]["checkedAt"],
    }


@pytest.mark.req("S126")
def test_without_redis_it_is_degraded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakeup, "answers", lambda: False)

    assert health.everything()["status"] == "degraded"


@pytest.mark.parametrize(
    ("queue", "age", "status"),
    [
        (DELIVERY, 29, "healthy"),
        (DELIVERY, 31, "unhealthy"),
        (BATCH, 299, "healthy"),
        (BATCH, 301, "unhealthy"),
    ],
)
def test_jobs_that_wait_too_long_make_it_unhealthy(queue: object, age: int, status: str) -> None:
    kind = PROBES[queue.name]  # type: ignore[attr-defined]
    kind.enqueue(tenant_id=TENANT, args={})
    execute("UPDATE jobs SET run_at = now() - make_interval(secs => %(age)s::int)", {"age": age})

    assert health.of(kind.queue)["status"] == status


@pytest.mark.req("S126")
def test_many_failures_degrade_it(script: Script) -> None:
    PROBE.enqueue_many([new() for _ in range(19)])
    drain(DELIVERY)
    PROBE.enqueue(tenant_id=TENANT, args={})
    script.run = fail
    drain(DELIVERY)

    found = health.of(DELIVERY)

    assert (found["status"], found["failureRate"]) == ("degraded", 0.05)
    assert found["checks"]["highFailureRate"]


def test_a_queue_without_workers_is_unhealthy() -> None:
    execute("UPDATE workers SET seen_at = now() - interval '16 s'")

    assert health.of(CLEANUP)["status"] == "unhealthy"
    assert health.served() == {queue.name: 0 for queue in QUEUES}
