"""The counters of every queue (S124, S125)."""

from collections import Counter
from typing import TypedDict

from django.conf import settings

from queueing import counts, lanes, moments
from queueing.queues import QUEUES

STATES = ("waiting", "active", "completed", "failed", "delayed", "paused")
FLAT = STATES[:4]
RATE_MINUTES = 5


class QueueStats(TypedDict):
    """One queue; `completed` are those of the time that completed jobs are kept for."""

    name: str
    waiting: int
    active: int
    completed: int
    failed: int
    delayed: int
    paused: int
    oldestSeconds: float
    ratePerMinute: float


class QueueMetrics(TypedDict):
    """All queues, their sums, and when that was."""

    queues: dict[str, QueueStats]
    totals: dict[str, int]
    timestamp: str


def snapshot() -> QueueMetrics:
    """The counters of all six queues by key, and their totals."""
    queues = _queues()
    totals: Counter[str] = Counter(dict.fromkeys(STATES, 0))
    for stats in queues.values():
        for state in STATES:
            totals[state] += stats[state]  # type: ignore[literal-required]
    return QueueMetrics(queues=queues, totals=dict(totals), timestamp=moments.now())


def flat() -> dict[str, dict[str, int]]:
    """Four counters a queue, by key."""
    return {
        key: {state: stats[state] for state in FLAT}  # type: ignore[literal-required]
        for key, stats in _queues().items()
    }


def _queues() -> dict[str, QueueStats]:
    by_state = counts.by_state()
    standing = {each.queue: each for each in lanes.standings()}
    kept = counts.recent(settings.QUEUEING_COMPLETED_HOURS * 60)
    lately = counts.recent(RATE_MINUTES)
    return {
        queue.key: QueueStats(
            name=queue.name,
            waiting=0 if standing[queue].paused else by_state[queue].waiting,
            active=by_state[queue].active,
            completed=kept[queue].completed,
            failed=by_state[queue].failed,
            delayed=by_state[queue].delayed,
            paused=by_state[queue].waiting if standing[queue].paused else 0,
            oldestSeconds=round(standing[queue].oldest, 3),
            ratePerMinute=round(lately[queue].completed / RATE_MINUTES, 3),
        )
        for queue in QUEUES
    }
