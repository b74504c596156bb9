"""Saying «this lane has work» through Celery. It may be lost, doubled or late: the ledger decides.

A flag per lane in Redis keeps wake-ups from piling up; the drain lowers it before it claims.
Nothing here raises, waits long or tries again; the sweeper makes up for what is lost.
"""

import logging
import os
import threading
import time
from collections.abc import Iterable
from queue import Empty, SimpleQueue
from typing import Any

from celery import chain, current_app
from django.conf import settings
from django.db import transaction
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from queueing.queues import Queue
from queueing.routes import lanes_after

FLAG_MILLISECONDS = 3000
FLAG_TIMEOUT = 0.25  # seconds; together with a publish it stays below a second
QUIET_SECONDS = 1.0  # after a failure nobody asks Redis for so long

log = logging.getLogger(__name__)


class Hints:
    """The flags in Redis, and a rest after each failure."""

    def __init__(self) -> None:
        self._redis: Redis | None = None
        self._quiet_until = 0.0

    def ask(self, *command: Any) -> Any:
        """Redis's answer to *command*, or None where it does not answer."""
        if time.monotonic() < self._quiet_until:
            return None
        try:
            return self._client().execute_command(*command)  # type: ignore[no-untyped-call]
        except (RedisError, OSError):
            self.rest()
            return None

    def rest(self) -> None:
        """Ask nothing for a second."""
        self._quiet_until = time.monotonic() + QUIET_SECONDS

    def _client(self) -> Redis:
        if self._redis is None:
            self._redis = Redis.from_url(
                settings.REDIS_QUEUE_URL,
                socket_timeout=FLAG_TIMEOUT,
                socket_connect_timeout=min(FLAG_TIMEOUT, settings.REDIS_CONNECTION_TIMEOUT),
                retry=Retry(NoBackoff(), 0),
            )
        return self._redis


hints = Hints()


def _key(name: str) -> str:
    prefix = settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("global_keyprefix", "")
    return f"{prefix}{name}"


def raise_flag(queue: Queue) -> bool:
    """Whether the caller is to wake *queue*; not if a wake-up waits already or Redis is away."""
    flag = _key(f"wake:{queue.lane}")
    return bool(hints.ask("SET", flag, "1", "NX", "PX", FLAG_MILLISECONDS))


def lower_flag(queue: Queue) -> None:
    """Let the next caller wake *queue* again."""
    hints.ask("DEL", _key(f"wake:{queue.lane}"))


def answers() -> bool:
    """Whether Redis answers."""
    return hints.ask("PING") is not None


def pending(queue: Queue) -> int:
    """How many wake-ups of *queue* lie in the broker, as far as Redis can tell."""
    return int(hints.ask("LLEN", _key(queue.name)) or 0)


def publish(queue: Queue) -> None:
    """Send the chain of drains that starts with *queue*, whatever its flag says."""
    links = [
        current_app.signature(f"{lane.lane}.drain", queue=lane.name, immutable=True)
        for lane in (queue, *lanes_after(queue))
    ]
    try:
        chain(*links).apply_async()
    except Exception as error:  # a hint must not fail its caller
        log.warning("wake-up of %s not published: %s", queue.lane, type(error).__name__)
        hints.rest()


def wake(queues: Iterable[Queue]) -> None:
    """Wake those of *queues* that no wake-up waits for."""
    for queue in queues:
        if raise_flag(queue):
            publish(queue)


def wake_later(queue: Queue, seconds: float) -> None:
    """Wake *queue* after so many *seconds*, if this process lives; else the sweeper does."""
    timer = threading.Timer(seconds, wake, ([queue],))
    timer.daemon = True
    timer.start()


class Waker:
    """Wakes lanes from a thread of its own, so that no request waits for Redis."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Start anew; what a fork copied may be half-changed, and its thread is gone."""
        self._asked: SimpleQueue[Queue] = SimpleQueue()
        self._lock = threading.Lock()
        self._started = False

    def ask(self, queues: Iterable[Queue]) -> None:
        """Have *queues* woken soon."""
        for queue in queues:
            self._asked.put(queue)
        with self._lock:
            if not self._started:
                self._started = True
                threading.Thread(target=self._run, name="waker", daemon=True).start()

    def _run(self) -> None:
        while True:
            lanes = {self._asked.get(): None}
            while True:
                try:
                    lanes[self._asked.get_nowait()] = None
                except Empty:
                    break
            wake(lanes)


waker = Waker()
os.register_at_fork(after_in_child=waker.forget)


def wake_on_commit(queues: Iterable[Queue]) -> None:
    """Wake *queues* once the caller's transaction is committed, off its thread."""
    lanes = tuple(queues)
    if lanes:
        transaction.on_commit(lambda: waker.ask(lanes), robust=True)
