"""Declaring kinds of jobs and putting jobs into the ledger, in the caller's transaction.

@job(queue=DELIVERY, name="send-message", args=Delivery)
def deliver(batch: Batch) -> None: ...          set-based: inside the transaction that completes

@job(queue=NOTIFICATION, name="send-notification", external=True)
def send(job: Claimed) -> Outcome: ...          outside any transaction, one job per thread

*args* is the class of what such a job is told (a subclass of Args): anything else is refused when it is
enqueued. *describe* says what jobs are about, *steps* are the names that their progress goes through.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, overload
from uuid import UUID

from queueing.ids import job_of, new_run
from queueing.postgres import execute
from queueing.queues import BY_NAME, Queue
from queueing.registry import (
    Args,
    Batch,
    CallFunction,
    Claimed,
    Describe,
    Facts,
    Kind,
    Outcome,
    SetFunction,
    Told,
    register,
)
from queueing.wakeup import wake_on_commit

__all__ = [
    "Args",
    "Batch",
    "Claimed",
    "Facts",
    "JobKind",
    "NewJob",
    "Outcome",
    "Row",
    "Told",
    "insert",
    "job",
]

NORMAL = 2

INSERT = """
    INSERT INTO jobs (id, tenant_id, run_id, kind, queue, position, critical, state, priority,
        run_at, weight, args, subject_id, owner_id, traceparent)
    SELECT g.id, g.tenant, g.run, g.kind, g.queue, g.position, g.critical, g.state, g.priority,
        coalesce(g.run_at, now()), g.weight, g.args::jsonb, g.subject, g.owner, g.traceparent
    FROM unnest(%(ids)s::uuid[], %(tenants)s::uuid[], %(runs)s::uuid[], %(kinds)s::text[],
        %(queues)s::text[], %(positions)s::smallint[], %(critical)s::boolean[],
        %(states)s::text[], %(priorities)s::smallint[], %(times)s::timestamptz[],
        %(weights)s::int[], %(args)s::text[], %(subjects)s::uuid[], %(owners)s::uuid[],
        %(traceparents)s::text[])
        AS g(id, tenant, run, kind, queue, position, critical, state, priority, run_at, weight,
             args, subject, owner, traceparent)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """What a caller says of a job: for whom, with which ids, when."""

    tenant_id: UUID
    args: Mapping[str, object] = field(default_factory=dict)  # ids only
    subject_id: UUID | None = None
    owner_id: UUID | None = None
    priority: int = NORMAL
    run_at: datetime | None = None  # None: at once
    weight: int = 1
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A job about to be inserted."""

    id: UUID
    run_id: UUID
    kind: Kind
    new: NewJob
    position: int = 0
    critical: bool = True
    state: str = "waiting"


@dataclass(frozen=True, slots=True)
class JobKind(Kind):
    """A kind of job that can be enqueued."""

    def enqueue(
        self,
        *,
        tenant_id: UUID,
        args: Mapping[str, object],
        subject_id: UUID | None = None,
        owner_id: UUID | None = None,
        priority: int = NORMAL,
        run_at: datetime | None = None,
        weight: int = 1,
        traceparent: str = "",
    ) -> UUID:
        """Put one job of this kind into the ledger; its id."""
        new = NewJob(
            tenant_id=tenant_id,
            args=args,
            subject_id=subject_id,
            owner_id=owner_id,
            priority=priority,
            run_at=run_at,
            weight=weight,
            traceparent=traceparent,
        )
        return self.enqueue_many([new])[0]

    def enqueue_many(self, jobs: Iterable[NewJob]) -> list[UUID]:
        """Put many jobs of this kind into the ledger with one statement; their ids."""
        rows = []
        for new in jobs:
            run = new_run()
            rows.append(Row(job_of(run, 1), run, self, new))
        insert(rows)
        return [row.id for row in rows]


@overload
def job(
    *,
    queue: Queue,
    name: str,
    external: Literal[False] = False,
    args: type[Args] | None = None,
    steps: Sequence[str] = (),
    describe: Describe | None = None,
) -> Callable[[SetFunction], JobKind]: ...
@overload
def job(
    *,
    queue: Queue,
    name: str,
    external: Literal[True],
    args: type[Args] | None = None,
    steps: Sequence[str] = (),
    describe: Describe | None = None,
) -> Callable[[CallFunction], JobKind]: ...
def job(
    *,
    queue: Queue,
    name: str,
    external: bool = False,
    args: type[Args] | None = None,
    steps: Sequence[str] = (),
    describe: Describe | None = None,
) -> Callable[[Any], JobKind]:
    """Make a function a kind of job called *name*, worked in *queue*."""

    def declare(function: Any) -> JobKind:
        parts = {"call": function} if external else {"run": function}
        kind = JobKind(name, queue, args=args, steps=tuple(steps), describe=describe, **parts)
        register(kind)
        return kind

    return declare


def insert(rows: Sequence[Row]) -> None:
    """Write *rows* to the ledger; their lanes are woken once the transaction is committed."""
    if not rows:
        return
    values = {
        "ids": [row.id for row in rows],
        "tenants": [row.new.tenant_id for row in rows],
        "runs": [row.run_id for row in rows],
        "kinds": [row.kind.name for row in rows],
        "queues": [row.kind.queue.name for row in rows],
        "positions": [row.position for row in rows],
        "critical": [row.critical for row in rows],
        "states": [row.state for row in rows],
        "priorities": [int(row.new.priority) for row in rows],
        "times": [row.new.run_at for row in rows],
        "weights": [row.new.weight for row in rows],
        "args": [row.kind.encode(row.new.args) for row in rows],
        "subjects": [row.new.subject_id for row in rows],
        "owners": [row.new.owner_id for row in rows],
        "traceparents": [row.new.traceparent for row in rows],
    }
    execute(INSERT, values)
    due = [row for row in rows if row.state == "waiting" and row.new.run_at is None]
    wake_on_commit(BY_NAME[name] for name in dict.fromkeys(row.kind.queue.name for row in due))
