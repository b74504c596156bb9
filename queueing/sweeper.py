"""The sweeper: a thread in every worker's main process that makes up for whatever was lost.

Each second one of them, chosen by an advisory lock, takes jobs back from the dead and wakes the
lanes that have work, whatever their flags say. While a job falls due within a second it looks ten
times as often. Where Redis or a lane's workers are away, it drains the lane itself. A worker that
has stopped listening to Redis ends itself, so that its supervisor starts it again.
"""

import logging
import os
import random
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from celery import bootsteps
from celery.worker import state as running
from django.db import close_old_connections, connections, transaction

from queueing import claims, lanes, leases, wakeup
from queueing.executor import drain
from queueing.ids import uuid7
from queueing.lanes import Identity, Standing
from queueing.postgres import fetch
from queueing.queues import BY_NAME, Queue

PERIOD = 1.0  # seconds, a fifth more or less
SOON = 0.1  # while something falls due within the next second
HEARTBEAT = 5.0
MOST_WAKES = 4  # per lane and sweep
STUCK = 3.0  # seconds that a due job waits although nobody works in its lane
DEAF_SWEEPS = 3
GRACE = 15.0  # seconds that a worker has to begin listening
RELIEF = 5.0  # seconds of draining for others, before they are looked for again
LOCK = 0x77617877  # the advisory lock's key
DEAF_EXIT = 70

log = logging.getLogger(__name__)


class Sweeper(bootsteps.StartStopStep):
    """The bootstep that runs the sweeper from after the pool's start to before its end."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        claims.me["worker"] = uuid7()  # before the fork: the children claim under it
        self._thread: Sweep | None = None

    def start(self, worker: Any) -> None:
        """Begin."""
        names = worker.app.amqp.queues.consume_from
        queues = tuple(BY_NAME[name] for name in names if name in BY_NAME)
        identity = Identity(claims.me["worker"], worker.hostname, worker.concurrency, queues)
        self._thread = Sweep(identity)
        self._thread.start()

    def stop(self, parent: Any) -> None:
        """End, and say so."""
        if self._thread is not None:
            self._thread.stopped.set()
            self._thread.join(5)

    def terminate(self, parent: Any) -> None:
        """The same, in a hurry."""
        self.stop(parent)


class Sweep(threading.Thread):
    """The thread: looks, heals, sleeps."""

    def __init__(self, identity: Identity) -> None:
        super().__init__(name="sweeper", daemon=True)
        self.identity = identity
        self.stopped = threading.Event()
        self.began = time.monotonic()
        self.next_sweep = self.next_beat = 0.0
        self.relief: threading.Thread | None = None
        self.deaf = self.accepted = 0

    def run(self) -> None:
        """Sweep until told to stop."""
        while not self.stopped.is_set():
            self.stopped.wait(self.try_look())
        with suppress(Exception):  # PostgreSQL may be gone before us
            self.identity.leave()
        connections.close_all()

    def try_look(self) -> float:
        """Look once; seconds until the next time."""
        try:
            close_old_connections()
            return self.look()
        except Exception as error:  # whatever it was: the next look is made on a new connection
            log.warning("sweeper: %s", type(error).__name__)
            connections.close_all()
            return PERIOD

    def look(self) -> float:
        """Sweep if it is time, else only wake what has fallen due."""
        now = time.monotonic()
        if now >= self.next_beat:
            self.identity.beat()
            self.next_beat = now + HEARTBEAT
        if now >= self.next_sweep:
            self.next_sweep = now + PERIOD * random.uniform(0.8, 1.2)
            standings = self.sweep()
        else:
            standings = lanes.standings()
            wakeup.wake(each.queue for each in standings if each.due and not each.paused)
        soon = any(each.soon and not each.paused for each in standings)
        rest = max(self.next_sweep - time.monotonic(), 0.0)
        return min(SOON, rest) if soon else rest

    def sweep(self) -> list[Standing]:
        """Heal, if elected, and see that this worker hears; how the lanes stand."""
        with transaction.atomic():
            [(elected,)] = fetch("SELECT pg_try_advisory_xact_lock(%(key)s::int)", {"key": LOCK})
            freed = leases.free() if elected else 0
        if freed:
            log.warning("sweeper: took %s jobs back from dead holders", freed)
        standings = lanes.standings()
        ready = [each for each in standings if each.due and not each.paused]
        redis = wakeup.answers()
        if elected and redis:
            wake(ready)
        if elected:
            self.relieve(ready, redis)
        self.listen(ready, redis)
        return standings

    def relieve(self, ready: Iterable[Standing], redis: bool) -> None:
        """Drain lanes that nobody can be woken for, in a thread beside this one."""
        served = lanes.served()
        left = [
            each.queue
            for each in ready
            if not redis or (not served[each.queue.name] and each.oldest > PERIOD)
        ]
        if left and (self.relief is None or not self.relief.is_alive()):
            self.relief = threading.Thread(target=relieve, args=(left,), daemon=True)
            self.relief.start()

    def listen(self, ready: Iterable[Standing], redis: bool) -> None:
        """End this worker where wake-ups lie unread in the broker though it has nothing to do."""
        stuck = [
            each.queue.lane
            for each in ready
            if each.queue in self.identity.queues and each.oldest > STUCK and not each.active
        ]
        accepted = sum(running.total_count.values())
        busy = bool(running.active_requests) or accepted != self.accepted
        young = time.monotonic() - self.began < GRACE
        self.accepted = accepted
        unread = redis and any(wakeup.pending(q) for q in self.identity.queues if q.lane in stuck)
        self.deaf = self.deaf + 1 if unread and not busy and not young else 0
        if self.deaf >= DEAF_SWEEPS:
            log.critical("sweeper: this worker no longer hears of %s and ends", ", ".join(stuck))
            self.identity.leave()
            os._exit(DEAF_EXIT)


def wake(ready: Iterable[Standing]) -> None:
    """Wake lanes whatever their flags say, unless as many wake-ups lie in the broker already."""
    for each in ready:
        wanted = min(1 + each.due // claims.LIMIT, MOST_WAKES)
        for _ in range(wanted - wakeup.pending(each.queue)):
            wakeup.publish(each.queue)


def relieve(queues: Iterable[Queue]) -> None:
    """Drain *queues* and the lanes that follow, for a while."""
    until = time.monotonic() + RELIEF
    left = list(queues)
    try:
        while left and time.monotonic() < until:
            queue = left.pop(0)
            report = drain(queue)
            left += [BY_NAME[name] for name in report.unblocked]
            left += [queue] * report.more
    except Exception as error:
        log.warning("sweeper: relief ended by %s", type(error).__name__)
    finally:
        connections.close_all()
