"""Job kinds by name, and what their functions get and give."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, Self, overload
from uuid import UUID

import msgspec

from queueing import context
from queueing.errors import ArgsInvalid, Snooze
from queueing.queues import Queue

SUCCESS: Mapping[str, Any] = {"success": True}


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Claimed:
    """A job as the worker that claimed it sees it."""

    id: UUID
    run_id: UUID
    tenant_id: UUID
    kind: str
    queue: str
    priority: int
    args: dict[str, Any]
    subject_id: UUID | None
    owner_id: UUID | None
    attempts: int  # tries that ended before this one
    attempts_base: int
    max_attempts: int
    crashes: int
    deferrals: int
    generation: int
    weight: int
    traceparent: str
    created_at: datetime
    started_at: datetime | None
    worker_id: UUID | None
    token: UUID

    def context(self) -> dict[str, object]:
        """What log lines about it carry."""
        return {
            "trace_id": context.trace_of(self.traceparent),
            "job_id": self.id,
            "message_id": self.args.get("messageId"),
            "conversation_id": self.args.get("conversationId"),
            "tenant": self.tenant_id,
            "queue": self.queue,
            "attempt": self.attempts + 1,
        }


class Args(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """What a job is told: ids, codes and times, never content. A subclass for each kind (S38)."""

    @classmethod
    def of(cls, job: "Told") -> Self:
        """What *job* was told."""
        return msgspec.convert(job.args, cls)


class Told(Protocol):
    """A job, claimed or as its row, as far as its kind describes it."""

    @property
    def id(self) -> UUID: ...
    @property
    def args(self) -> Any: ...
    @property
    def created_at(self) -> datetime: ...


class Batch(Sequence[Claimed]):
    """The jobs of one slice; says of single ones how they ended."""

    def __init__(self, jobs: Sequence[Claimed]) -> None:
        self._jobs = tuple(jobs)
        self.errors: dict[UUID, Exception] = {}
        self.results: dict[UUID, Mapping[str, Any]] = {}
        self.unfinished: dict[UUID, float] = {}

    @overload
    def __getitem__(self, index: int) -> Claimed: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Claimed, ...]: ...
    def __getitem__(self, index: int | slice) -> Claimed | tuple[Claimed, ...]:
        return self._jobs[index]

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[Claimed]:
        return iter(self._jobs)

    def fail(self, job: Claimed, error: Exception) -> None:
        """Settle *job* alone by *error*; its neighbours are completed all the same."""
        self.errors[job.id] = error

    def result(self, job: Claimed, result: Mapping[str, Any]) -> None:
        """Store *result* with *job*, ids and counts only."""
        self.results[job.id] = result

    def again(self, job: Claimed, after: float = 0.0) -> None:
        """Commit what was done and run *job* again *after* seconds.

        That is progress: errors and crashes before it no longer count.
        """
        self.unfinished[job.id] = after


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an outside call came to; *effect* runs in the transaction that completes the job."""

    effect: Callable[[], object] | None = None
    result: Mapping[str, Any] | None = None
    again: float | None = None  # not finished: run once more after so many seconds

    def settle(self, batch: Batch, job: Claimed) -> None:
        """Apply this to *job* of *batch*."""
        if self.effect is not None:
            self.effect()
        if self.result is not None:
            batch.result(job, self.result)
        if self.again is not None:
            batch.again(job, self.again)


SetFunction = Callable[[Batch], None]
CallFunction = Callable[[Claimed], Outcome | None]
Facts = Mapping[str, object]
Describe = Callable[[Sequence[Told]], Mapping[UUID, Facts]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job: its wire name, its queue and the function that does it."""

    name: str
    queue: Queue
    run: SetFunction | None = None  # over a batch, inside the transaction that completes it
    call: CallFunction | None = None  # for one job, outside any transaction
    args: type[Args] | None = None  # what it takes; None: whatever it is given
    steps: tuple[str, ...] = ()  # the names of what it goes through, for its progress
    describe: Describe | None = None  # what jobs of this kind are about, for who asks for them

    def encode(self, args: Mapping[str, object]) -> str:
        """*args* as they are stored. Raises ArgsInvalid."""
        try:
            told = args if self.args is None else msgspec.convert(args, self.args)
            return msgspec.json.encode(told, enc_hook=str).decode()
        except (msgspec.ValidationError, TypeError) as error:
            raise ArgsInvalid(f"{self.name}: {error}") from None


class Missing(Snooze):
    """This worker does not know the kind: an older one, in the middle of an upgrade."""

    code = "unknown-kind"


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Make *kind* known; a name means one function."""
    if kind.name in _kinds:
        raise ValueError(f"there is already a job kind {kind.name}")
    _kinds[kind.name] = kind


def find(name: str) -> Kind | None:
    """The kind called *name*, if this process knows it."""
    return _kinds.get(name)
