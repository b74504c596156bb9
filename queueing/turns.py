"""The parts of a drain: what it counts, and how a claim is cut into slices."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from queueing import context
from queueing.registry import Claimed
from queueing.verdicts import Verdict

AT_HAND = 1.0  # seconds; the sweeper, which looks once a second, would come too late
SLICE_WEIGHT = 1000  # what one commit may hold: recipients, say

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Report:
    """What a drain did; its text is what Flower shows."""

    done: int = 0
    retried: int = 0
    dead: int = 0
    deferred: int = 0
    unfinished: int = 0  # one chunk done, more to come
    more: bool = False  # the lane has work left
    soon: float = 0.0  # seconds until the first of the unfinished is due, if that is at hand
    waiting: int = 0
    oldest: float = 0.0  # seconds
    unblocked: set[str] = field(default_factory=set)  # queues with rows that became ready

    @property
    def worked(self) -> bool:
        """Whether any job was moved on."""
        return bool(self.done or self.retried or self.dead or self.deferred or self.unfinished)

    def __str__(self) -> str:
        counts = [f"done={self.done}"]
        for name in ("retried", "dead", "deferred", "unfinished"):
            if number := getattr(self, name):
                counts.append(f"{name}={number}")
        return f"{' '.join(counts)} waiting={self.waiting} oldest={self.oldest:.1f}s"

    def put_back(self, waits: Iterable[float]) -> None:
        """Add jobs of which a chunk is done, and which go on after *waits*."""
        for wait in waits:
            self.unfinished += 1
            self.more |= wait == 0
            if 0 < wait <= AT_HAND:
                self.soon = min(self.soon or wait, wait)

    def count(self, verdicts: Iterable[Verdict]) -> None:
        """Add jobs that were put back or buried."""
        for verdict in verdicts:
            tell(verdict)
            self.dead += verdict.state == "failed"
            self.retried += verdict.state != "failed" and bool(verdict.attempt or verdict.crash)
            self.deferred += verdict.deferral


def tell(verdict: Verdict) -> None:
    """Write a line of the log for a try that ended badly: the code, never the text."""
    trouble = verdict.trouble
    if trouble is None or verdict.deferral:
        return
    dead = verdict.state == "failed"
    with context.about(**verdict.job.context()):
        log.log(
            logging.ERROR if dead else logging.WARNING,
            "job %s %s: %s at %s",
            verdict.job.kind,
            "failed" if dead else "put back",
            trouble.code,
            trouble.location,
            extra={"code": trouble.code},
        )


def by_kind(jobs: Iterable[Claimed]) -> dict[str, list[Claimed]]:
    """*jobs* by kind, in order."""
    kinds: dict[str, list[Claimed]] = {}
    for job in jobs:
        kinds.setdefault(job.kind, []).append(job)
    return kinds


def slices(jobs: Iterable[Claimed]) -> Iterator[list[Claimed]]:
    """*jobs* in parts of a weight that one commit may hold; a heavier one goes alone."""
    part: list[Claimed] = []
    weight = 0
    for job in jobs:
        if part and weight + job.weight > SLICE_WEIGHT:
            yield part
            part, weight = [], 0
        part.append(job)
        weight += job.weight
    if part:
        yield part
