"""Cleaning up: a run is asked for above and worked below, one chunk a claim (S34, S102-S108).

A chunk is one transaction of at most *batch_size* messages; then the job goes back to its lane, so
that nothing holds locks or the worker for long. A run ends when all was looked at or its time is up;
what is left is the next run's. An advisory lock keeps two runs of one strategy from working at once.
"""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from msgspec import Meta

from messaging import audit, subjects
from messaging.errors import Invalid
from messaging.models import SYSTEM, CleanupRun, Tenant, User
from messaging.retention.registry import registered
from messaging.retention.strategy import Strategy
from queueing import periodic, progress
from queueing.errors import Permanent
from queueing.jobs import Args, Batch, Claimed, job
from queueing.postgres import fetch
from queueing.queues import CLEANUP
from queueing.turns import SLICE_WEIGHT

MOST_DAYS, MOST_ROWS = 3650, 1000
BUDGET = timedelta(minutes=30)  # of one run
BUSY = 1.0  # seconds until the lock of another run is looked at again

LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('waxwing.cleanup'), hashtext(%(name)s::text))"
ESTIMATE = "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'messages'::regclass"


@transaction.atomic
def start(
    strategy: str,
    *,
    dry: bool = False,
    retention_days: int | None = None,
    batch_size: int = MOST_ROWS,
    actor: User | None = None,
    reason: str = "",
) -> CleanupRun:
    """Begin a run of *strategy*; nothing is removed where it is *dry*, only counted.

    Raises Invalid. Without *retention_days* the strategy's own hold; a tenant's or a conversation's
    always come first.
    """
    rule = _rule(strategy, retention_days)
    if not 1 <= batch_size <= MOST_ROWS:
        raise Invalid(f"1 to {MOST_ROWS}.", pointer="/batchSize")
    operators, _ = Tenant.objects.get_or_create(slug=SYSTEM, defaults={"name": "Operators"})
    run = CleanupRun(
        tenant=operators,
        strategy=strategy,
        dry=dry,
        retention_days=retention_days or rule.days,
        batch_size=batch_size,
        actor_id=actor.pk if actor else None,
        reason=reason,
    )
    run.job_id = clean.enqueue(
        tenant_id=operators.pk,
        args={
            "runId": str(run.pk),
            "cleanupType": strategy,
            "retentionDays": run.retention_days,
            "batchSize": batch_size,
            "dryRun": dry,
        },
        subject_id=run.pk,
        weight=SLICE_WEIGHT,  # a chunk is a commit of its own
    )
    run.save(force_insert=True)
    _record(run, "cleanup.started", actor_id=run.actor_id, reason=reason)
    return run


def preview(strategy: str, retention_days: int | None = None) -> tuple[int, int]:
    """How many messages *strategy* would let go, of how many; counted here and now."""
    rule = _rule(strategy, retention_days)(retention_days)
    due = examined = 0
    while not rule.exhausted:
        due += rule.count()
        examined += rule.examined
    return due, examined


class Cleanup(Args, frozen=True):
    """Which run, and what it was asked for."""

    run_id: UUID
    cleanup_type: str
    retention_days: Annotated[int, Meta(ge=1, le=MOST_DAYS)]
    batch_size: Annotated[int, Meta(ge=1, le=MOST_ROWS)]
    dry_run: bool


@job(queue=CLEANUP, name="cleanup-messages", args=Cleanup, describe=subjects.as_told)
def clean(batch: Batch) -> None:
    """Do one chunk of each run, and put it back where there is more."""
    for claimed in batch:
        run = CleanupRun.objects.select_for_update().filter(pk=claimed.args["runId"]).first()
        if run is None or run.strategy not in registered():
            batch.fail(claimed, Permanent(code="run-gone"))
        elif not fetch(LOCK, {"name": run.strategy})[0][0]:
            batch.again(claimed, BUSY)
        elif _finished(run, _chunk(run)):
            batch.result(claimed, {"success": True, **counts(run)})
        else:
            _report(claimed, run)
            batch.again(claimed)


def counts(run: CleanupRun) -> dict[str, object]:
    """What came of *run* so far."""
    done = "wouldClean" if run.dry else "cleaned"
    return {
        "runId": str(run.pk),
        "cleanupType": run.strategy,
        "dryRun": run.dry,
        "examined": run.examined,
        done: run.cleaned,
        "outcome": run.outcome,
    }


def fail(job_ids: list[UUID]) -> None:
    """Note that the jobs of these runs are dead letters."""
    CleanupRun.objects.filter(job_id__in=job_ids, finished_at=None).update(
        outcome=CleanupRun.Outcome.FAILED
    )


def _rule(strategy: str, retention_days: int | None) -> type[Strategy]:
    rule = registered().get(strategy)
    if rule is None:
        raise Invalid("No such strategy.", pointer="/cleanupType")
    if retention_days is not None and not 1 <= retention_days <= MOST_DAYS:
        raise Invalid(f"1 to {MOST_DAYS}.", pointer="/retentionDays")
    return rule


def _chunk(run: CleanupRun) -> Strategy:
    """Move *run* on by one chunk; the strategy as it stands then."""
    strategy = registered()[run.strategy](run.retention_days, run.cursor)
    run.cleaned += strategy.count() if run.dry else strategy.clean(run.batch_size)
    run.examined += strategy.examined
    run.cursor = strategy.after
    run.chunks += 1
    return strategy


def _finished(run: CleanupRun, strategy: Strategy) -> bool:
    """Write how far *run* is; whether that is all."""
    now = timezone.now()
    run.outcome = CleanupRun.Outcome.RUNNING
    if strategy.exhausted:
        run.outcome, run.finished_at = CleanupRun.Outcome.FINISHED, now
    elif now - run.started_at > BUDGET:
        run.outcome, run.finished_at = CleanupRun.Outcome.PARTIAL, now
    run.save()
    if run.finished_at:
        facts = {name: value for name, value in counts(run).items() if name != "runId"}
        _record(run, "cleanup.finished", actor_id=None, **facts)
    return run.finished_at is not None


def _report(claimed: Claimed, run: CleanupRun) -> None:
    [(about,)] = fetch(ESTIMATE)
    percentage = min(99, 100 * run.examined // max(about, run.examined, 1))
    progress.report(claimed, percentage, "cleaning", current_step=run.chunks, data=counts(run))


def _record(run: CleanupRun, action: str, *, actor_id: UUID | None, **facts: object) -> None:
    audit.record(
        tenant_id=run.tenant_id,
        actor_id=actor_id,
        action=action,
        target_type="cleanup",
        target_id=run.pk,
        **({"strategy": run.strategy, "dry": run.dry} | facts),
    )


def _by_the_clock(strategy: str) -> None:
    @periodic.periodic(f"cleanup.{strategy}", queue=CLEANUP)
    def begin() -> dict[str, object]:
        run = start(strategy)
        return {"runId": str(run.pk), "jobId": str(run.job_id)}


for each in registered():
    _by_the_clock(each)
