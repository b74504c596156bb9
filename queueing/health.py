"""Whether queues are well, by named checks (S116, S126); an idle queue is healthy."""

from typing import TypedDict

from queueing import counts, lanes, moments, wakeup
from queueing.lanes import Standing
from queueing.queues import DELIVERY, QUEUES, Queue

WINDOW = 15  # minutes that rates are taken over
HIGH_FAILURE_RATE = 0.05
MOST_WAITING = 100_000
LONGEST_WAIT = {DELIVERY: 30.0}  # seconds; of other queues:
LONGEST_WAIT_OF_OTHERS = 300.0
WORST = ("unhealthy", "degraded", "paused", "healthy")


class Checks(TypedDict):
    """What a status comes from."""

    redis: bool
    accepting: bool
    processing: bool
    highFailureRate: bool


class QueueHealth(TypedDict):
    """The health of one queue."""

    queue: str
    key: str
    status: str
    checks: Checks
    failureRate: float
    averageProcessingTime: float
    waiting: int
    oldestSeconds: float
    workers: int
    checkedAt: str


class AllHealth(TypedDict):
    """The health of all queues; the worst stands for all."""

    status: str
    queues: dict[str, QueueHealth]
    checkedAt: str


def of(queue: Queue) -> QueueHealth:
    """The health of *queue*."""
    return everything()["queues"][queue.key]


def everything() -> AllHealth:
    """The health of every queue, by key."""
    redis = wakeup.answers()
    workers = lanes.served()
    by_state, lately = counts.by_state(), counts.recent(WINDOW)
    standings = {each.queue: each for each in lanes.standings()}
    found = {}
    for queue in QUEUES:
        standing, waiting = standings[queue], by_state[queue].waiting
        checks = Checks(
            redis=redis,
            accepting=waiting < MOST_WAITING,
            processing=is_moving(standing, workers[queue.name]),
            highFailureRate=lately[queue].failure_rate >= HIGH_FAILURE_RATE,
        )
        found[queue.key] = QueueHealth(
            queue=queue.name,
            key=queue.key,
            status=status(checks, standing),
            checks=checks,
            failureRate=round(lately[queue].failure_rate, 4),
            averageProcessingTime=round(lately[queue].average, 4),
            waiting=waiting,
            oldestSeconds=round(standing.oldest, 3),
            workers=workers[queue.name],
            checkedAt=moments.now(),
        )
    worst = min((each["status"] for each in found.values()), key=WORST.index)
    return AllHealth(status=worst, queues=found, checkedAt=moments.now())


def served() -> dict[str, int]:
    """The number of living workers of every queue, by wire name."""
    return lanes.served()


def is_moving(standing: Standing, workers: int) -> bool:
    """Whether somebody serves the lane and nothing waits for too long in it."""
    limit = LONGEST_WAIT.get(standing.queue, LONGEST_WAIT_OF_OTHERS)
    return workers > 0 and (standing.paused or standing.oldest <= limit)


def status(checks: Checks, standing: Standing) -> str:
    """The word for *checks*; how old a paused queue's jobs are, does not count."""
    if not (checks["processing"] and checks["accepting"]):
        return "unhealthy"
    if standing.paused:
        return "paused"
    return "healthy" if checks["redis"] and not checks["highFailureRate"] else "degraded"
