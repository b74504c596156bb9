"""Batches: one text to many people, asked for above and sent below, one chunk a claim (S95-S99).

A chunk is one transaction: its messages, what came of each recipient, how far the batch is. A worker
that is killed leaves nothing half done, and the row of a recipient (batch, recipient: unique) keeps
anybody from being written to twice; a retry goes to those who have failed and to nobody else (D12).
Whoever changes a batch holds its row, so that pausing or cancelling takes effect between two chunks.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from messaging import audit, subjects
from messaging.errors import Conflict, NotFound
from messaging.models import Batch, BatchRecipient, BatchText, Priority, Tenant, User
from messaging.services import announcing, batch_texts, variables
from messaging.services.batch_lists import counts, named, shown
from messaging.services.batch_orders import Order, Sending, check, chunks, keys_of, row_of
from messaging.services.idempotency import Answer, Key, claim
from messaging.services.sending import Draft
from queueing import control, progress
from queueing.errors import LedgerError, Permanent
from queueing.jobs import Batch as Jobs
from queueing.jobs import Claimed, job
from queueing.postgres import execute, fetch
from queueing.queues import BATCH
from queueing.turns import SLICE_WEIGHT

PAUSE = 3600.0  # seconds after which a paused batch looks whether it still is; resuming wakes it

State, Status = Batch.State, BatchRecipient.Status
ENDED = (State.COMPLETED, State.CANCELLED)

NEXT = "SELECT recipient_ids[%(first)s::int:%(last)s::int] FROM batches WHERE id = %(id)s::uuid"
WRITE = """
    INSERT INTO batch_recipients
        (id, tenant_id, batch_id, recipient_id, position, status, message_id, failure_code)
    SELECT uuid7(), %(tenant)s::uuid, %(batch)s::uuid, g.*
    FROM unnest(%(people)s::uuid[], %(positions)s::int[], %(statuses)s::text[],
                %(messages)s::uuid[], %(codes)s::text[]) AS g
    ON CONFLICT (batch_id, recipient_id) DO UPDATE
    SET status = excluded.status, message_id = excluded.message_id, at = now(),
        failure_code = excluded.failure_code, attempts = batch_recipients.attempts + 1
    WHERE batch_recipients.status = 'pending'"""

People = list[tuple[int, UUID]]  # with their positions


@transaction.atomic
def start_batch(*, sender: User, order: Order, key: Key | None = None) -> Answer:
    """Accept a batch: its rows and its job, whose id the answer holds.

    Somebody who is no active user of the tenant is no error here but a failure of theirs later, since
    that may change while a batch runs. Raises Invalid, KeyReused, IdempotencyInProgress, Conflict, and
    EncryptionUnavailable, after which nothing is stored.
    """
    people = list(dict.fromkeys(order.recipient_ids))
    check(sender, order, people)
    row = row_of(sender, order, people)
    texts = batch_texts.rows_of(row, order.content, people, order.variables)
    row.job_id = _enqueue(row)
    answer = Answer(202, {"batchId": row.batch_id, "jobId": str(row.job_id)})
    for each in keys_of(order, key):
        if replay := claim(sender, each, answer):
            transaction.set_rollback(True)  # what this call has made is not wanted
            return replay
    if named(sender, row.batch_id).exists():
        raise Conflict("There is a batch of this name.")
    row.save(force_insert=True)
    BatchText.objects.bulk_create(texts)
    sealed = texts[0].sealed is not None
    _record(row, "batch.started", sender.pk, recipients=row.total, encrypted=sealed)
    return answer


@transaction.atomic
def steer(rows: QuerySet[Batch], verb: str, actor: User, reason: str = "") -> dict[str, Any]:
    """Pause, resume, cancel or retry the one batch of *rows*; the batch as it is then.

    Raises NotFound, and Conflict for a batch that is in no state for that.
    """
    row = rows.defer("recipient_ids").select_for_update(no_key=True, of=("self",)).first()
    if row is None:
        raise NotFound
    states, done = VERBS[verb]
    if row.state not in states:
        raise Conflict(f"The batch is {row.state}.")
    done(row)
    _record(row, f"batch.{verb}", actor.pk, reason=reason)
    return shown([row])[0]


def follow(job_ids: Sequence[UUID], state: Batch.State) -> None:
    """Note what operators or errors did to the jobs of batches."""
    rows = Batch.objects.filter(job_id__in=job_ids).exclude(state__in=ENDED)
    if state != State.CANCELLED:
        rows.update(state=state)
        return
    for row in rows.defer("recipient_ids"):
        _end(row, state)


@job(queue=BATCH, name="batch-send", args=Sending, describe=subjects.of_batches)
def send_batch(jobs: Jobs) -> None:
    """Send one chunk of each batch, and put it back where there is more."""
    for claimed in jobs:
        rows = Batch.objects.defer("recipient_ids").filter(pk=claimed.args["batchId"])
        held = rows.select_related("sender__tenant").select_for_update(no_key=True, of=("self",))
        if (row := held.first()) is None:
            jobs.fail(claimed, Permanent(code="batch-gone"))
        elif row.job_id != claimed.id:
            _forget(row)
        elif row.state == State.PAUSED:
            jobs.again(claimed, PAUSE)
        elif row.state in ENDED:
            jobs.result(claimed, _result(row))
        elif not row.sender.is_active or row.sender.tenant.status != Tenant.Status.ACTIVE:
            jobs.fail(claimed, Permanent(code="sender-disabled"))
        elif _send_chunk(row):
            _report(claimed, row)
            jobs.again(claimed, row.chunk_delay / 1000)
        else:
            jobs.result(claimed, _result(row))


def _enqueue(row: Batch, after: timedelta | None = None) -> UUID:
    return send_batch.enqueue(
        tenant_id=row.tenant_id,
        owner_id=row.sender_id,
        subject_id=row.pk,
        args={
            "batchId": str(row.pk),
            "senderId": str(row.sender_id),
            "chunkSize": row.chunk_size,
            "chunkDelay": row.chunk_delay,
        },
        priority=Priority.LOW,
        run_at=timezone.now() + after if after else None,
        weight=SLICE_WEIGHT,  # a chunk is a commit of its own
    )


def _pause(row: Batch) -> None:
    row.state = State.PAUSED
    row.save(update_fields=["state"])


def _resume(row: Batch) -> None:
    row.state = State.RUNNING
    row.save(update_fields=["state"])
    control.hasten(row.job_id)


def _cancel(row: Batch) -> None:
    _end(row, State.CANCELLED)
    with suppress(LedgerError):  # it has ended
        control.cancel(row.job_id)


def _retry(row: Batch) -> None:
    if not row.texts.exists():
        raise Conflict("Nobody is missing, or what it said is no longer kept.")
    missing = row.recipients.filter(status=Status.FAILED).update(status=Status.PENDING)
    before = row.job_id
    row.state, row.finished_at, row.steps_done = State.RUNNING, None, 0
    row.steps = chunks(row, row.total - row.cursor) + chunks(row, missing)
    row.job_id = _enqueue(row)
    row.save(update_fields=["state", "finished_at", "steps", "steps_done", "job_id"])
    with suppress(LedgerError):  # only a dead letter is left
        control.discard(before, reason="the batch was retried")


VERBS = {
    "pause": ((State.RUNNING,), _pause),
    "resume": ((State.PAUSED,), _resume),
    "cancel": ((State.RUNNING, State.PAUSED, State.FAILED), _cancel),
    "retry": ((State.COMPLETED, State.FAILED), _retry),
}


def _send_chunk(row: Batch) -> bool:
    """Send to the next few people; whether there are more."""
    if people := _next(row):
        drafts = _drafts(row, people)
        outcomes = announcing.send_to_each(sender=row.sender, drafts=drafts, batch_id=row.pk)
        _write(row, people, outcomes)
        row.steps_done += 1
    row.state = State.RUNNING
    row.save(update_fields=["cursor", "steps_done", "state"])
    more = row.cursor < row.total or row.recipients.filter(status=Status.PENDING).exists()
    if not more:
        _finish(row)
    return more


def _next(row: Batch) -> People:
    """Who is next: from the list as far as it was not read, then those that are tried again."""
    if row.cursor < row.total:
        first = row.cursor
        bounds = {"id": row.pk, "first": first + 1, "last": first + row.chunk_size}
        [(people,)] = fetch(NEXT, bounds)
        row.cursor += len(people)
        return list(enumerate(people, start=first))
    again = row.recipients.filter(status=Status.PENDING).order_by("position")
    return list(again.values_list("position", "recipient_id")[: row.chunk_size])


def _drafts(row: Batch, people: People) -> dict[UUID, Draft]:
    numbers = {position // row.chunk_size + 1 for position, _ in people}
    template, words = batch_texts.read(row, numbers)

    def draft(position: int) -> Draft:
        own = words.get(position, {})
        return Draft(
            content=variables.filled(template, own) if row.has_variables else template,
            encrypted=row.encrypted,
            priority=Priority.LOW,
            notify=row.notify,
            index=row.index,
        )

    return {person: draft(position) for position, person in people}


def _write(row: Batch, people: People, outcomes: Mapping[UUID, announcing.Outcome]) -> None:
    found = [outcomes[person] for _, person in people]
    values = {
        "tenant": row.tenant_id,
        "batch": row.pk,
        "people": [person for _, person in people],
        "positions": [position for position, _ in people],
        "statuses": [Status.SENT if isinstance(one, UUID) else Status.FAILED for one in found],
        "messages": [one if isinstance(one, UUID) else None for one in found],
        "codes": ["" if isinstance(one, UUID) else one.code for one in found],
    }
    if execute(WRITE, values) != len(people):
        raise Permanent(code="recipient-twice")  # everything above is rolled back


def _finish(row: Batch) -> None:
    _, failed = counts([row])[row.pk]
    _end(row, State.COMPLETED, keep=bool(failed))
    if failed:  # it says so until then, for a retry
        _enqueue(row, after=timedelta(days=settings.QUEUEING_FAILED_DAYS))
    _record(row, "batch.finished", None, recipients=row.total, failed=failed)


def _end(row: Batch, state: Batch.State, *, keep: bool = False) -> None:
    """End *row*; unless it is to *keep* what it said, nobody needs that any more."""
    row.state, row.finished_at = state, timezone.now()
    row.save(update_fields=["state", "finished_at"])
    if not keep:
        row.texts.all().delete()


def _forget(row: Batch) -> None:
    """Drop what *row* said, unless it was retried and may still need it."""
    kept = timedelta(days=settings.QUEUEING_FAILED_DAYS)
    if row.state in ENDED and row.finished_at and row.finished_at <= timezone.now() - kept:
        row.texts.all().delete()


def _report(claimed: Claimed, row: Batch) -> None:
    sent, failed = counts([row])[row.pk]
    progress.report(
        claimed,
        100 * (sent + failed) // row.total,
        "sending",
        current_step=row.steps_done,
        total_steps=row.steps,
        data={"successCount": sent, "failureCount": failed},
    )


def _result(row: Batch) -> dict[str, object]:
    sent, failed = counts([row])[row.pk]
    done = {"success": sent == row.total, "batchId": str(row.pk), "total": row.total}
    return {**done, "successCount": sent, "failureCount": failed}


def _record(row: Batch, action: str, actor_id: UUID | None, **facts: object) -> None:
    audit.record(
        tenant_id=row.tenant_id,
        actor_id=actor_id,
        action=action,
        target_type="batch",
        target_id=row.pk,
        **facts,
    )
