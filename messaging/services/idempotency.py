"""The same request twice has one effect and one answer (M4, D15).

The row is written first in the transaction of what it protects, with the answer that will stand there;
a twin waits for it on the unique index and then replays it. What is compared is an HMAC of the request:
a plain hash in the table would let a short text be guessed.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import OperationalError
from django.utils import timezone
from psycopg.errors import LockNotAvailable
from psycopg.types.json import Jsonb

from messaging import encryption
from messaging.errors import IdempotencyInProgress, KeyReused
from messaging.models import Idempotency, User
from queueing.ids import uuid7
from queueing.postgres import execute

KEEP = timedelta(hours=24)

INSERT = """
INSERT INTO idempotency (id, tenant_id, actor_id, scope, key, body_hash, status, response,
                         message_id, created_at, expires_at)
VALUES (%(id)s, %(tenant)s, %(actor)s, %(scope)s, %(key)s, %(hash)s, %(status)s, %(response)s,
        %(message)s, %(now)s, %(expires)s)
ON CONFLICT (tenant_id, actor_id, scope, key) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Key:
    """A key that the caller chose for one request, and the hash of that request."""

    value: str
    body_hash: bytes
    scope: Idempotency.Scope = Idempotency.Scope.HEADER

    @classmethod
    def of(cls, value: str, method: str, path: str, body: bytes) -> "Key":
        """The key *value* of an HTTP request; *body* in its canonical form."""
        request = b"\0".join((method.encode(), path.encode(), body))
        return cls(value, sha256(request).digest())


@dataclass(slots=True)
class Answer:
    """What a service answers, and whether it had answered so before."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)
    replayed: bool = False
    message_id: UUID | None = None


def claim(actor: User, key: Key, answer: Answer) -> Answer | None:
    """None when *key* is new and *answer* now stands under it; else the answer that stood there.

    Raises KeyReused for another request under the same key, and IdempotencyInProgress when the first
    one is still running after the lock timeout.
    """
    _, mac = encryption.mac(actor.tenant_id, key.body_hash)
    for _ in range(2):
        try:
            if _insert(actor, key, mac, answer):
                return None
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                raise IdempotencyInProgress from error
            raise
        row = Idempotency.objects.get(
            tenant_id=actor.tenant_id, actor_id=actor.pk, scope=key.scope, key=key.value
        )
        if row.expires_at is None or row.expires_at > timezone.now():
            return _replay(row, mac)
        row.delete()
    raise IdempotencyInProgress


def _insert(actor: User, key: Key, mac: bytes, answer: Answer) -> bool:
    now = timezone.now()
    values = {
        "id": uuid7(),
        "tenant": actor.tenant_id,
        "actor": actor.pk,
        "scope": key.scope.value,
        "key": key.value,
        "hash": mac,
        "status": answer.status,
        "response": Jsonb(answer.body),
        "message": answer.message_id,
        "now": now,
        "expires": now + KEEP if key.scope is Idempotency.Scope.HEADER else None,
    }
    return execute(INSERT, values) == 1


def _replay(row: Idempotency, mac: bytes) -> Answer:
    if bytes(row.body_hash) != mac:
        raise KeyReused
    return Answer(row.status or 200, row.response or {}, replayed=True, message_id=row.message_id)
