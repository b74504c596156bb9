"""The audit trail: who did what to what, in the transaction that did it (S132).

Rows hold ids, codes and hashes, never content. Each carries an HMAC under its tenant's audit key, so a
row that was written around the application is found.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from uuid import UUID

from django.utils import timezone

from messaging import encryption
from messaging.models import AuditEvent
from queueing.ids import uuid7


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the trail; *facts* are ids, codes, counts and hashes."""

    tenant_id: UUID
    actor_id: UUID | None  # None: the system itself
    action: str
    target_type: str
    target_id: UUID | str
    facts: dict[str, object] = field(default_factory=dict)


def record(
    *,
    tenant_id: UUID,
    actor_id: UUID | None,
    action: str,
    target_type: str,
    target_id: UUID | str,
    **facts: object,
) -> None:
    """Write one line into the caller's transaction."""
    record_many(
        [
            Entry(
                tenant_id=tenant_id,
                actor_id=actor_id,
                action=action,
                target_type=target_type,
                target_id=target_id,
                facts=facts,
            )
        ]
    )


def record_many(entries: Sequence[Entry]) -> None:
    """Write many lines with one INSERT."""
    AuditEvent.objects.bulk_create(_row(entry) for entry in entries)


def fingerprint(ciphertext: bytes | memoryview | None) -> str:
    """The SHA-256 of a stored ciphertext: a row rolled back to an older version is found by it."""
    return sha256(ciphertext or b"").hexdigest()


def _row(entry: Entry) -> AuditEvent:
    row = AuditEvent(
        id=uuid7(),
        tenant_id=entry.tenant_id,
        actor_id=entry.actor_id,
        action=entry.action,
        target_type=entry.target_type,
        target_id=str(entry.target_id),
        at=timezone.now(),
    )
    body = {
        "id": row.pk,
        "tenant": row.tenant_id,
        "actor": row.actor_id,
        "action": row.action,
        "target": [row.target_type, row.target_id],
        "at": row.at.isoformat(),
        **entry.facts,
    }
    row.body = json.dumps(body, default=str, sort_keys=True, separators=(",", ":"))
    row.key_id, row.mac = encryption.mac(row.tenant_id, row.body.encode())
    return row
