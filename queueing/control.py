"""What operators do: retry, cancel, discard jobs; pause and resume queues; close circuits.

Each function changes what it finds in the right state and tells its listeners in one transaction,
so that what was done and the record of it stand or fall together.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.functions import TransactionNow
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.dispatch import Signal

from queueing import breaker
from queueing.errors import JobNotFound, JobStateConflict
from queueing.models import CircuitBreaker, Job, LaneControl
from queueing.queues import BY_NAME, QUEUES, Queue
from queueing.settlement import cancel_after
from queueing.signals import (
    circuit_closed,
    job_cancelled,
    job_discarded,
    job_retried,
    queue_paused,
    queue_resumed,
)
from queueing.wakeup import wake_on_commit

State = Job.State
Jobs = QuerySet[Job]


def retry(job_id: UUID, *, actor_id: UUID | None = None, reason: str = "") -> Job:
    """Give a dead letter its queue's attempts again; it resumes at its step, under the same id."""
    return _one(retry_many, job_id, actor_id, reason)


def cancel(job_id: UUID, *, actor_id: UUID | None = None, reason: str = "") -> Job:
    """End a job that has not run, and what waits for it; an active one at its next boundary."""
    return _one(cancel_many, job_id, actor_id, reason)


def discard(job_id: UUID, *, actor_id: UUID | None = None, reason: str = "") -> Job:
    """Give up a dead letter, and what waits for it."""
    return _one(discard_many, job_id, actor_id, reason)


@transaction.atomic
def retry_many(jobs: Jobs, *, actor_id: UUID | None = None, reason: str = "") -> int:
    """Retry the dead letters among *jobs*; how many those were."""
    found = _lock(jobs.filter(state=State.FAILED))
    _write(found).update(
        state=State.WAITING,
        generation=F("generation") + 1,
        attempts_base=F("attempts"),
        crashes=0,
        run_at=TransactionNow(),
        cancel_requested=False,
        progress=None,
        finished_at=None,
        expires_at=None,
    )
    _tell(job_retried, found, actor_id, reason)
    wake_on_commit(BY_NAME[name] for name in sorted({job.queue for job in found}))
    return len(found)


@transaction.atomic
def cancel_many(jobs: Jobs, *, actor_id: UUID | None = None, reason: str = "") -> int:
    """Cancel those of *jobs* that have not ended; how many those were."""
    found = _lock(jobs.filter(state__in=(State.WAITING, State.BLOCKED, State.ACTIVE)))
    active = [job for job in found if job.state == State.ACTIVE]
    _write(active).update(cancel_requested=True)
    _end(job for job in found if job.state != State.ACTIVE)
    _tell(job_cancelled, found, actor_id, reason)
    return len(found)


@transaction.atomic
def hasten(job_id: UUID) -> bool:
    """Make a job that waits for its time due now; whether it did."""
    job = Job.objects.filter(id=job_id, state=State.WAITING).select_for_update().first()
    if job is None:
        return False
    _write([job]).update(run_at=TransactionNow())
    wake_on_commit([BY_NAME[job.queue]])
    return True


@transaction.atomic
def discard_many(jobs: Jobs, *, actor_id: UUID | None = None, reason: str = "") -> int:
    """Give up the dead letters among *jobs*; how many those were."""
    found = _lock(jobs.filter(state=State.FAILED))
    _end(found)
    _tell(job_discarded, found, actor_id, reason)
    return len(found)


@transaction.atomic
def pause(
    queue: Queue | None = None,
    *,
    tenant_id: UUID | None = None,
    provider: str = "",
    until: datetime | None = None,
    actor_id: UUID | None = None,
    reason: str = "",
) -> LaneControl:
    """Let nothing new begin in *queue*, of a tenant or by a provider, *until* then or resumed."""
    if queue is None and tenant_id is None and not provider:
        raise ValueError("say what to pause")
    lane: dict[str, Any] = {
        "queue": queue.name if queue else "",
        "tenant_id": tenant_id,
        "provider": provider,
    }
    values = {"paused_until": until, "actor_id": actor_id, "reason": reason}
    row, _ = LaneControl.objects.update_or_create(**lane, defaults=values)
    queue_paused.send(sender=LaneControl, **lane, until=until, actor_id=actor_id, reason=reason)
    return row


@transaction.atomic
def resume(
    queue: Queue | None = None,
    *,
    tenant_id: UUID | None = None,
    provider: str = "",
    actor_id: UUID | None = None,
    reason: str = "",
) -> bool:
    """End a pause; whether there was one."""
    lane: dict[str, Any] = {
        "queue": queue.name if queue else "",
        "tenant_id": tenant_id,
        "provider": provider,
    }
    deleted, _ = LaneControl.objects.filter(**lane).delete()
    if deleted:
        queue_resumed.send(sender=LaneControl, **lane, actor_id=actor_id, reason=reason)
        wake_on_commit([queue] if queue else QUEUES)
    return bool(deleted)


@transaction.atomic
def close_circuit(provider: str, *, actor_id: UUID | None = None, reason: str = "") -> bool:
    """Have *provider* called again at once; whether its circuit was not closed."""
    closed = breaker.close_now(provider)
    if closed:
        who = {"actor_id": actor_id, "reason": reason}
        circuit_closed.send(sender=CircuitBreaker, provider=provider, **who)
        transaction.on_commit(breaker.forget)
    return closed


def pauses() -> QuerySet[LaneControl]:
    """The pauses that hold now."""
    return LaneControl.objects.filter(Q(paused_until__isnull=True) | Q(paused_until__gt=Now()))


def paused_queues() -> set[str]:
    """The names of the queues in which nothing begins."""
    lanes = pauses().filter(tenant_id__isnull=True, provider="")
    return set(lanes.values_list("queue", flat=True))


def _one(many: Callable[..., int], job_id: UUID, actor_id: UUID | None, reason: str) -> Job:
    """Do *many* to the one job, or say why not."""
    changed = many(Job.objects.filter(id=job_id), actor_id=actor_id, reason=reason)
    job = Job.objects.filter(id=job_id).first()
    if job is None:
        raise JobNotFound(f"no job {job_id}")
    if not changed:
        raise JobStateConflict(f"job {job_id} is {job.state}")
    return job


def _lock(jobs: Jobs) -> list[Job]:
    """*jobs*, locked in the order of their ids, as every other writer locks them."""
    return list(jobs.order_by("id").select_for_update(of=("self",)))


def _write(jobs: Iterable[Job]) -> Jobs:
    return Job.objects.filter(id__in=[job.id for job in jobs])


def _end(jobs: Iterable[Job]) -> None:
    """Cancel *jobs*, locked before, and what waits for them."""
    ended = [job.id for job in jobs]
    Job.objects.filter(id__in=ended).update(
        state=State.CANCELLED,
        finished_at=Now(),
        expires_at=Now() + timedelta(hours=settings.QUEUEING_COMPLETED_HOURS),
    )
    cancel_after(ended)


def _tell(signal: Signal, jobs: Iterable[Job], actor_id: UUID | None, reason: str) -> None:
    for job in jobs:
        signal.send(sender=Job, job=job, actor_id=actor_id, reason=reason)
