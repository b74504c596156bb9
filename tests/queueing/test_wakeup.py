"""Wake-ups: at most one waits for a lane, none raises, none takes long."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from redis import Redis

from queueing import tasks, wakeup
from queueing.queues import DELIVERY, ENCRYPTION, INDEXING, NOTIFICATION, QUEUES, Queue
from queueing.turns import Report
from queueing.wakeup import Hints, Waker
from tests.queueing import kinds


@pytest.fixture(autouse=True)
def fresh(settings: Any) -> Iterator[None]:
    """No flags, no wake-ups, no rest after a failure."""
    assert kinds.WALK
    with Redis.from_url(settings.REDIS_QUEUE_URL) as valkey:
        valkey.flushdb()
        wakeup.hints = Hints()
        yield
        wakeup.hints = Hints()
        valkey.flushdb()


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lanes: list[str] = []
    monkeypatch.setattr(wakeup, "publish", lambda queue: lanes.append(queue.lane))
    return lanes


@pytest.fixture
def dead_redis(settings: Any) -> Iterator[None]:
    """A server that accepts connections and answers nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.REDIS_QUEUE_URL = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        wakeup.hints = Hints()
        yield


def test_a_lane_is_woken_once_until_its_drain_begins(published: list[str]) -> None:
    wakeup.wake([DELIVERY])
    wakeup.wake([DELIVERY, INDEXING])
    wakeup.lower_flag(DELIVERY)
    wakeup.wake([DELIVERY])

    assert published == ["delivery", "indexing", "delivery"]


def test_a_wake_up_is_a_message_without_arguments_for_its_queue() -> None:
    wakeup.publish(ENCRYPTION)

    assert [wakeup.pending(queue) for queue in QUEUES] == [
        int(queue is ENCRYPTION) for queue in QUEUES
    ]


def test_where_redis_does_not_answer_nobody_waits_for_long(dead_redis: None) -> None:
    began = time.monotonic()

    assert not wakeup.raise_flag(DELIVERY)
    wakeup.wake(QUEUES)

    assert time.monotonic() - began < 0.5
    assert not wakeup.answers()


def test_a_publish_that_fails_is_followed_by_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr("celery.canvas._chain.apply_async", refuse)
    monkeypatch.setattr("celery.canvas.Signature.apply_async", refuse)

    wakeup.publish(DELIVERY)

    assert not wakeup.answers()


def test_the_waker_publishes_off_the_callers_thread(published: list[str]) -> None:
    waker, seen = Waker(), threading.Event()
    wake = wakeup.wake

    def note(queues: Any) -> None:
        assert threading.current_thread() is not threading.main_thread()
        wake(queues)
        seen.set()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wakeup, "wake", note)
        waker.ask([DELIVERY])
        assert seen.wait(5)

    assert published == ["delivery"]


@pytest.mark.django_db(transaction=True)
def test_lanes_are_woken_after_the_commit_and_not_after_a_rollback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[Queue, ...]] = []
    monkeypatch.setattr(wakeup.waker, "ask", asked.append)

    with transaction.atomic():
        wakeup.wake_on_commit([DELIVERY])
        assert asked == []
    with pytest.raises(ValueError), transaction.atomic():
        wakeup.wake_on_commit([INDEXING])
        raise ValueError

    assert asked == [(DELIVERY,)]


def chain(*lanes: Queue) -> list[dict[str, str]]:
    """What is left of a chain, as Celery keeps it: the next link last."""
    return [{"task": f"{lane.lane}.drain"} for lane in reversed(lanes)]


def test_a_drain_that_did_something_hands_the_chain_on(published: list[str]) -> None:
    rest = chain(DELIVERY, NOTIFICATION, INDEXING)

    assert tasks.follow(ENCRYPTION, Report(done=3, unblocked={DELIVERY.name}), rest) == rest

    assert published == []
    assert not wakeup.raise_flag(DELIVERY)


def test_a_drain_wakes_every_lane_of_the_next_position(published: list[str]) -> None:
    report = Report(done=3, unblocked={NOTIFICATION.name, INDEXING.name})
    rest = chain(NOTIFICATION, INDEXING)

    assert tasks.follow(DELIVERY, report, rest) == rest

    assert published == ["indexing"]


@pytest.mark.parametrize("report", [Report(), Report(retried=2), Report(deferred=1)])
def test_a_drain_that_did_nothing_ends_the_chain(report: Report, published: list[str]) -> None:
    assert tasks.follow(ENCRYPTION, report, chain(DELIVERY)) is None
    assert wakeup.raise_flag(DELIVERY)


def test_the_chain_ends_where_a_wake_up_waits_already(published: list[str]) -> None:
    wakeup.raise_flag(DELIVERY)

    report = Report(done=1, unblocked={DELIVERY.name})
    assert tasks.follow(ENCRYPTION, report, chain(DELIVERY)) is None


def test_the_chain_ends_where_redis_does_not_answer(dead_redis: None) -> None:
    report = Report(done=1, unblocked={DELIVERY.name})

    assert tasks.follow(ENCRYPTION, report, chain(DELIVERY)) is None


def test_a_drain_that_left_work_wakes_its_own_lane(published: list[str]) -> None:
    assert tasks.follow(INDEXING, Report(done=200, more=True), None) is None

    assert published == ["indexing"]


@pytest.mark.req("S1", "S15")
def test_every_lane_has_its_task_with_its_limits() -> None:
    limits = {task.name: (task.soft_time_limit, task.time_limit) for task in tasks.TASKS}

    assert limits == {
        f"{queue.lane}.drain": (queue.timeout, queue.timeout + 15) for queue in QUEUES
    }
    assert {task.max_retries for task in tasks.TASKS} == {None}
