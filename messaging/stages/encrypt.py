"""The encryption step: from the tenant's ingress key to the conversation's session key.

Rows are locked before they are read, so that an edit in between is never overwritten; a row that is
under a session key already is done, so the step may run twice.
"""

from uuid import UUID

from psycopg.types.json import Jsonb

from messaging import audit, encryption
from messaging.models import Message
from queueing.errors import Permanent, Transient
from queueing.jobs import Batch, job
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


@job(queue=ENCRYPTION, name="encrypt-decrypt")
def encrypt(batch: Batch) -> None:
    """Move the batch's messages to their session keys."""
    jobs = {UUID(job.args["messageId"]): job for job in batch}
    rows = list(
        Message.objects.filter(pk__in=jobs, is_encrypted=True, deleted_at=None)
        .order_by("pk")
        .select_for_update(no_key=True)
    )
    before = {row.pk: row.key_id for row in rows}
    failed = encryption.promote(rows)
    for pk, error in failed.items():
        kind = Transient if error.retryable else Permanent
        batch.fail(jobs[pk], kind(code=error.code))
    moved = [row for row in rows if row.pk not in failed and _moved(row, before[row.pk])]
    if moved:
        _store(moved)
        audit.record_many([_entry(row) for row in moved])


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
