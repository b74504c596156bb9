"""The encryption step: from the tenant's ingress key to the conversation's session key, or a trial.

Rows are locked before they are read, so that an edit in between is never overwritten; a row that is
under a session key already is done, so the step may run twice. The operation `decrypt` opens a stored
message without the cache and keeps only whether that went well; its text is dropped at once (S31).
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal
from uuid import UUID

from django.db import transaction
from psycopg.types.json import Jsonb

from messaging import audit, encryption, events, subjects
from messaging.models import Event, Message
from queueing.errors import Permanent, Transient
from queueing.jobs import Args, Batch, Claimed, Facts, Told, job
from queueing.postgres import execute
from queueing.queues import ENCRYPTION

STORE = """
UPDATE messages m
SET encrypted_content = row.content, encryption_metadata = row.metadata,
    encryption_version = row.version, sealed_metadata = row.fields
FROM unnest(%(ids)s::uuid[], %(contents)s::bytea[], %(metadata)s::jsonb[], %(versions)s::text[],
            %(fields)s::bytea[]) AS row (id, content, metadata, version, fields)
WHERE m.id = row.id
"""


class Encryption(Args, frozen=True):
    """Which message, and what to do with it; *seq* is the event of an edit that waits for this."""

    message_id: UUID
    conversation_id: UUID
    operation: Literal["encrypt", "decrypt"] = "encrypt"
    seq: int | None = None


Jobs = Sequence[tuple[Claimed, Encryption]]


def describe(jobs: Sequence[Told]) -> Mapping[UUID, Facts]:
    """Message, operation and algorithm of each job."""
    return {
        id_: {"operation": "encrypt", "algorithm": "AES-256-GCM", **data}
        for id_, data in subjects.of_messages(jobs).items()
    }


@job(
    queue=ENCRYPTION,
    name="encrypt-decrypt",
    args=Encryption,
    describe=describe,
    steps=("validation", "encrypting", "complete"),
)
def encrypt(batch: Batch) -> None:
    """Move the batch's messages to their session keys; open those that are to be tried."""
    jobs = [(job, Encryption.of(job)) for job in batch]
    _promote(batch, [(job, told) for job, told in jobs if told.operation == "encrypt"])
    _open(batch, [(job, told) for job, told in jobs if told.operation == "decrypt"])


def _promote(batch: Batch, jobs: Jobs) -> None:
    rows = list(
        Message.objects.filter(
            pk__in={told.message_id for _, told in jobs}, is_encrypted=True, deleted_at=None
        )
        .order_by("pk")
        .select_for_update(no_key=True)
    )
    before = {row.pk: row.key_id for row in rows}
    failed = encryption.promote(rows)
    for claimed, told in jobs:
        if error := failed.get(told.message_id):
            kind = Transient if error.retryable else Permanent
            batch.fail(claimed, kind(code=error.code))
    sealed = [row for row in rows if row.pk not in failed]
    moved = [row for row in sealed if _moved(row, before[row.pk])]
    if moved:
        _store(moved)
        audit.record_many([_entry(row) for row in moved])
    edits = {told.message_id: told.seq for _, told in jobs if told.seq}
    if told_of := [row for row in sealed if row.pk in edits]:
        transaction.on_commit(partial(_tell, told_of, edits))


def _open(batch: Batch, jobs: Jobs) -> None:
    if not jobs:
        return
    rows = Message.objects.in_bulk({told.message_id for _, told in jobs})
    opened = encryption.open_messages(rows.values(), use_cache=False)
    for claimed, told in jobs:
        result = opened.get(told.message_id)
        code = result.error if result else "not-found"
        batch.result(claimed, {"success": True, "opens": code is None, "code": code})
    audit.record_many([_trial(claimed, told, opened) for claimed, told in jobs])


def _trial(
    claimed: Claimed, told: Encryption, opened: Mapping[UUID, encryption.Opened]
) -> audit.Entry:
    result = opened.get(told.message_id)
    return audit.Entry(
        tenant_id=claimed.tenant_id,
        actor_id=claimed.owner_id,
        action="message.verified",
        target_type="message",
        target_id=told.message_id,
        facts={"opens": bool(result and not result.error), "job": claimed.id},
    )


def _tell(rows: Sequence[Message], seqs: Mapping[UUID, int | None]) -> None:
    """Tell of edits again, now in the form that those who hold session keys wait for."""
    entries = [
        events.Entry(
            row.conversation_id,
            seqs[row.pk] or 0,
            Event.Type.MESSAGE_UPDATED,
            row.edited_at or row.created_at,
            row.sender_id,
            message_id=row.pk,
            message=row,
        )
        for row in rows
    ]
    events.publish(events.hints_of(entries))


def _moved(row: Message, before: str | None) -> bool:
    return (row.encryption_metadata or {}).get("keyId") != before


def _store(rows: list[Message]) -> None:
    execute(
        STORE,
        {
            "ids": [row.pk for row in rows],
            "contents": [row.encrypted_content for row in rows],
            "metadata": [Jsonb(row.encryption_metadata) for row in rows],
            "versions": [row.encryption_version for row in rows],
            "fields": [row.sealed_metadata for row in rows],
        },
    )


def _entry(row: Message) -> audit.Entry:
    return audit.Entry(
        tenant_id=row.tenant_id,
        actor_id=None,
        action="message.promoted",
        target_type="message",
        target_id=row.pk,
        facts={
            "key": (row.encryption_metadata or {})["keyId"],
            "sha256": audit.fingerprint(row.encrypted_content),
        },
    )
