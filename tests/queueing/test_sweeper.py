"""What the sweeper does about lanes that stand still."""

import threading
from typing import Any

import pytest
from celery.worker import state as running
from django.db import connections, transaction

from queueing import sweeper, wakeup
from queueing.ids import new_run, uuid7
from queueing.lanes import Identity, Standing
from queueing.models import Job, Worker
from queueing.postgres import execute, fetch
from queueing.queues import DELIVERY, ENCRYPTION, INDEXING
from queueing.sweeper import Sweep
from tests.queueing.kinds import PROBE, TENANT, WALK, Script, new


@pytest.fixture
def sweep(monkeypatch: pytest.MonkeyPatch) -> Sweep:
    """A sweeper of a worker that serves delivery and has been up for a while."""
    sweep = Sweep(Identity(uuid7(), "hot@here", 2, (DELIVERY,)))
    sweep.began -= 60
    return sweep


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lanes: list[str] = []
    monkeypatch.setattr(wakeup, "answers", lambda: True)
    monkeypatch.setattr(wakeup, "raise_flag", lambda queue: True)
    monkeypatch.setattr(wakeup, "publish", lambda queue: lanes.append(queue.lane))
    monkeypatch.setattr(wakeup, "pending", lambda queue: 0)
    monkeypatch.setattr(wakeup.waker, "ask", lambda queues: None)
    return lanes


def stuck(**more: Any) -> Standing:
    values = {"due": 1, "oldest": 5.0, "soon": False, "active": False, "paused": False, **more}
    return Standing(queue=DELIVERY, **values)


@pytest.mark.django_db(transaction=True)
def test_a_sweep_wakes_lanes_with_due_work(sweep: Sweep, published: list[str]) -> None:
    PROBE.enqueue_many([new() for _ in range(450)])

    rest = sweep.look()

    assert published == ["delivery"] * 3
    assert 0.5 < rest <= 1.2
    assert Worker.objects.get().queues == [DELIVERY.name]


@pytest.mark.django_db(transaction=True)
def test_while_something_falls_due_soon_it_looks_ten_times_as_often(
    sweep: Sweep, published: list[str]
) -> None:
    PROBE.enqueue(tenant_id=TENANT, args={})
    execute("UPDATE jobs SET run_at = now() + interval '300 ms'")

    assert sweep.look() <= 0.1
    assert published == []
    execute("UPDATE jobs SET run_at = now()")
    sweep.look()
    assert published == ["delivery"]


@pytest.mark.django_db(transaction=True)
def test_only_one_sweeps_at_a_time(sweep: Sweep, published: list[str]) -> None:
    PROBE.enqueue(tenant_id=TENANT, args={})
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            fetch("SELECT pg_advisory_xact_lock(%(key)s::int)", {"key": sweeper.LOCK})
            held.set()
            done.wait(5)
        connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(5)
    sweep.sweep()
    done.set()
    thread.join()

    assert published == []


def test_wake_ups_in_the_broker_count_towards_the_most(monkeypatch: pytest.MonkeyPatch) -> None:
    lanes: list[str] = []
    monkeypatch.setattr(wakeup, "publish", lambda queue: lanes.append(queue.lane))
    monkeypatch.setattr(wakeup, "pending", lambda queue: 3)

    sweeper.wake([stuck(due=10_000)])

    assert lanes == ["delivery"]


@pytest.mark.django_db(transaction=True)
def test_without_redis_it_does_the_work_of_all_lanes(
    sweep: Sweep, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakeup, "answers", lambda: False)
    monkeypatch.setattr(wakeup, "pending", lambda queue: 0)
    WALK.start(new_run(), steps=("encryption", "delivery"), tenant_id=TENANT, args={})

    sweep.sweep()
    assert sweep.relief is not None
    sweep.relief.join(10)

    assert set(Job.objects.values_list("state", flat=True)) == {"completed"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("queue", "relieved"), [(DELIVERY, False), (INDEXING, True)])
def test_it_works_only_in_lanes_that_nobody_serves(
    sweep: Sweep, queue: Any, relieved: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    drained: list[Any] = []
    monkeypatch.setattr(sweeper, "relieve", drained.extend)
    sweep.identity.beat()

    sweep.relieve([Standing(queue, 1, 2.0, False, False, False)], redis=True)
    if sweep.relief:
        sweep.relief.join(5)

    assert drained == [queue] * relieved


class Ended(Exception):
    """The process would be gone."""


@pytest.fixture
def endings(monkeypatch: pytest.MonkeyPatch, published: list[str]) -> None:
    def end(code: int) -> None:
        raise Ended

    monkeypatch.setattr(sweeper.os, "_exit", end)
    monkeypatch.setattr(Identity, "leave", lambda self: None)
    monkeypatch.setattr(wakeup, "pending", lambda queue: 2)
    monkeypatch.setattr(running, "active_requests", set())


@pytest.mark.usefixtures("endings")
def test_a_deaf_worker_ends_itself_at_the_third_look(sweep: Sweep) -> None:
    sweep.listen([stuck()], redis=True)
    sweep.listen([stuck()], redis=True)

    with pytest.raises(Ended):
        sweep.listen([stuck()], redis=True)


@pytest.mark.usefixtures("endings")
@pytest.mark.parametrize(
    "standing", [stuck(oldest=2.0), stuck(active=True), Standing(ENCRYPTION, 1, 9.0, *[False] * 3)]
)
def test_a_lane_that_is_worked_or_not_its_own_ends_no_worker(
    sweep: Sweep, standing: Standing
) -> None:
    for _ in range(5):
        sweep.listen([standing], redis=True)


@pytest.mark.usefixtures("endings")
def test_a_worker_that_hears_lives_on(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        running.total_count["delivery.drain"] += 1
        sweep.listen([stuck()], redis=True)
    monkeypatch.setattr(wakeup, "pending", lambda queue: 0)
    for _ in range(5):
        sweep.listen([stuck()], redis=True)
    for _ in range(5):
        sweep.listen([stuck()], redis=False)


@pytest.mark.usefixtures("endings")
def test_a_young_or_busy_worker_lives_on(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "active_requests", {"a task"})
    for _ in range(5):
        sweep.listen([stuck()], redis=True)
    monkeypatch.setattr(running, "active_requests", set())
    sweep.began += 60
    for _ in range(5):
        sweep.listen([stuck()], redis=True)
