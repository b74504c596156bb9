"""How many jobs are in which state, and what the last minutes saw, by queue."""

from dataclasses import dataclass

from queueing.postgres import fetch
from queueing.queues import QUEUES, Queue

# One partial index for each: the completed jobs, most of the table, are never read.
COUNTS = """
    SELECT queue, 'waiting', count(*) FILTER (WHERE run_at <= now()),
        count(*) FILTER (WHERE run_at > now())
    FROM jobs WHERE state = 'waiting' AND crashes = 0 GROUP BY queue
    UNION ALL
    SELECT queue, 'waiting', count(*) FILTER (WHERE run_at <= now()),
        count(*) FILTER (WHERE run_at > now())
    FROM jobs WHERE state = 'waiting' AND crashes > 0 GROUP BY queue
    UNION ALL SELECT queue, 'active', count(*), 0 FROM jobs WHERE state = 'active' GROUP BY queue
    UNION ALL SELECT queue, 'failed', count(*), 0 FROM jobs WHERE state = 'failed' GROUP BY queue"""

MINUTES = """
    SELECT queue, sum(completed)::int, sum(failed)::int, sum(seconds)::float8 FROM queue_minutes
    WHERE minute > now() - make_interval(mins => %(minutes)s::int) GROUP BY queue"""

TOTALS = """
    SELECT queue, sum(completed)::bigint, sum(failed)::bigint, sum(retried)::bigint,
        sum(crashed)::bigint, sum(seconds)::float8
    FROM queue_minutes GROUP BY queue"""

OUTCOMES = ("completed", "failed", "retried", "crashed")


@dataclass(slots=True)
class Counts:
    """The jobs of one queue by state; `delayed` ones wait for their time."""

    waiting: int = 0
    active: int = 0
    failed: int = 0
    delayed: int = 0


@dataclass(frozen=True, slots=True)
class Recent:
    """What one queue did within some minutes."""

    completed: int = 0
    failed: int = 0
    seconds: float = 0.0  # spent on the completed ones

    @property
    def failure_rate(self) -> float:
        """The part of the ended jobs that became dead letters."""
        ended = self.completed + self.failed
        return self.failed / ended if ended else 0.0

    @property
    def average(self) -> float:
        """Seconds that a completed job took."""
        return self.seconds / self.completed if self.completed else 0.0


@dataclass(frozen=True, slots=True)
class Totals:
    """What one queue has done since the beginning."""

    completed: int = 0
    failed: int = 0
    retried: int = 0
    crashed: int = 0
    seconds: float = 0.0  # spent on the completed ones


def by_state() -> dict[Queue, Counts]:
    """The counts of every queue."""
    found = {queue.name: Counts() for queue in QUEUES}
    for name, state, count, delayed in fetch(COUNTS):
        if counts := found.get(name):
            setattr(counts, state, getattr(counts, state) + count)
            counts.delayed += delayed
    return {queue: found[queue.name] for queue in QUEUES}


def recent(minutes: int) -> dict[Queue, Recent]:
    """What every queue did within the last *minutes*."""
    found = {name: Recent(*rest) for name, *rest in fetch(MINUTES, {"minutes": minutes})}
    return {queue: found.get(queue.name, Recent()) for queue in QUEUES}


def totals() -> dict[Queue, Totals]:
    """What every queue has done since the beginning; never less than it was."""
    found = {name: Totals(*rest) for name, *rest in fetch(TOTALS)}
    return {queue: found.get(queue.name, Totals()) for queue in QUEUES}
