"""Seal and open: what the product calls. Nothing to choose: the key follows from the context.

    sealed = encryption().seal_ingress(text, Context(tenant, conversation, message))   # on arrival
    encryption().promote_many([(sealed, context)])     # later, under its conversation's session key
    text = encryption().open(sealed, context)          # either way, in exactly that context

Each `…_many` asks for keys once, however many items it gets, and answers per item: a body that
cannot be opened is an error in the list and does not fail its neighbours.
"""

from collections.abc import Callable, Collection, Sequence
from functools import cache
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.transaction import TransactionManagementError

from crypto_core import chain, upkeep
from crypto_core.bodies import (
    CONTENT,
    INGRESS,
    Lock,
    Sealed,
    as_uuid,
    attempt,
    find_lock,
    ingress_of,
    open_text,
    promote,
    read_header,
    seal,
    session_of,
    usable,
)
from crypto_core.cache import Key
from crypto_core.errors import CryptoError, EncryptionDisabled, KeyNotFound
from crypto_core.keyring import KeyRing
from crypto_core.models import ConversationKey, Device, TenantKey
from crypto_core.release import release
from crypto_core.suite import Context, Header, Scope

__all__ = ["Context", "EncryptionService", "Sealed", "encryption"]

AUDIT, INDEX = TenantKey.Purpose.AUDIT.value, ConversationKey.Purpose.INDEX.value


Item = tuple[Sealed, Context]


class EncryptionService:
    """Managed protection for every tenant; safe to share between threads and across forks."""

    def __init__(self) -> None:
        self._ring = KeyRing()

    def seal_ingress(self, plaintext: str, context: Context, *, extra: bytes = b"") -> Sealed:
        """*plaintext* under its tenant's ingress key, for whoever has only just received it."""
        _refuse_when_off()
        with self._ring.active(ingress_of(context)) as key:
            return seal(key, plaintext, context, extra)

    def seal_ingress_many(
        self, items: Sequence[tuple[str, Context]], *, extra: bytes = b""
    ) -> list[Sealed | CryptoError]:
        """The same for each text, a tenant's all under one key, or what is wrong with it."""
        return self._seal_under(ingress_of, items, extra)

    def seal(
        self, plaintext: str, context: Context, *, extra: bytes = b"", use_cache: bool = True
    ) -> Sealed:
        """*plaintext* under its conversation's session key, opened with the same *extra* only."""
        _refuse_when_off()
        with self._ring.active(session_of(context), use_cache=use_cache) as key:
            return seal(key, plaintext, context, extra)

    def seal_many(
        self, items: Sequence[tuple[str, Context]], *, extra: bytes = b"", use_cache: bool = True
    ) -> list[Sealed | CryptoError]:
        """Each text under its conversation's session key, or what is wrong with it."""
        return self._seal_under(session_of, items, extra, use_cache=use_cache)

    def open(
        self, sealed: Sealed, context: Context, *, extra: bytes = b"", use_cache: bool = True
    ) -> str:
        """The text, if *sealed* belongs into exactly this *context* and *extra* is what it was."""
        return usable(self.open_many([(sealed, context)], extra=extra, use_cache=use_cache)[0])

    def open_many(
        self, items: Sequence[Item], *, extra: bytes = b"", use_cache: bool = True
    ) -> list[str | CryptoError]:
        """Each text, or why it cannot be opened."""
        locks = self._locks(items, use_cache=use_cache)
        return [
            attempt(open_text, lock, sealed, context, extra)
            for lock, (sealed, context) in zip(locks, items, strict=True)
        ]

    def promote_many(self, items: Sequence[Item]) -> list[Sealed | CryptoError]:
        """Each body moved from its ingress key to the session key of its conversation.

        One that is under a session key comes back as it was. The session keys are those that
        PostgreSQL names now, and stay so until the caller's transaction ends: else a body could go
        under a key that was retired because somebody who had it left.
        """
        if not connection.in_atomic_block:
            raise TransactionManagementError(
                "promote inside the transaction that stores the result"
            )
        locks = self._locks(items)
        scopes = {
            session_of(context)
            for lock, (_, context) in zip(locks, items, strict=True)
            if isinstance(lock, Lock) and lock.key.scope.purpose == INGRESS
        }
        sessions = self._ring.active_many(scopes, locked=True)
        return [
            attempt(promote, lock, sealed, context, sessions.get(session_of(context)))
            for lock, (sealed, context) in zip(locks, items, strict=True)
        ]

    def is_session_key(self, tenant: UUID | str, key_ids: Collection[str]) -> set[str]:
        """Those of *key_ids* that are session keys of *tenant*, not ingress keys."""
        scopes = self._ring.scopes(key_ids).items()
        owner = as_uuid(tenant)
        return {kid for kid, scope in scopes if (scope.tenant, scope.purpose) == (owner, CONTENT)}

    def index_key(self, tenant: UUID | str, conversation: UUID | str) -> tuple[str, bytes]:
        """The id and the bytes of the key that makes the conversation's search tokens."""
        with self._ring.active(Scope(as_uuid(tenant), INDEX, as_uuid(conversation))) as key:
            return key.id, bytes(key.material)

    def index_keys(
        self, tenant: UUID | str, conversations: Collection[UUID]
    ) -> dict[UUID, tuple[str, bytes]]:
        """The same for those *conversations* that have such a key already; none is made."""
        scopes = {Scope(as_uuid(tenant), INDEX, conversation) for conversation in conversations}
        return {
            scope.conversation: (key.id, bytes(key.material))
            for scope, key in self._ring.existing(scopes).items()
            if isinstance(key, Key) and scope.conversation
        }

    def mac(self, tenant: UUID | str, body: bytes) -> tuple[str, bytes]:
        """The id of the tenant's audit key, and the proof under it that *body* was written here."""
        with self._ring.active(Scope(as_uuid(tenant), AUDIT)) as key:
            return key.id, chain.mac(key.material, body)

    def rotate(self, tenant: UUID | str, conversation: UUID | str, reason: str) -> str:
        """The id of the conversation's new session key; what was sealed before still opens."""
        return self._ring.rotate(Scope(as_uuid(tenant), CONTENT, as_uuid(conversation)), reason)

    def retire(self, key_ids: Collection[str], reason: str) -> list[str]:
        """Those of *key_ids* that sealed until now; the next use makes new keys in their places."""
        return self._ring.retire(key_ids, reason)

    def retire_due(self, limit: int) -> int:
        """How many keys, at most *limit*, were too old to seal and are marked so now."""
        return self._ring.retire_due(limit)

    def rewrap(self, limit: int, after: str = "") -> upkeep.Progress:
        """Move *limit* conversations' keys to the newest key of their tenants (upkeep.py)."""
        return upkeep.rewrap(self._ring, limit, after)

    def release(self, key_id: str, conversation: UUID, device: Device) -> str:
        """The session key *key_id* of *conversation* as a JWE that only *device* can open."""
        with usable(self._ring.find([key_id])[key_id]) as key:
            if key.scope != Scope(device.tenant_id, CONTENT, conversation):
                raise KeyNotFound(key_id)
            return release(key, device)

    def destroy(self, key_id: str, reason: str) -> bool:
        """Whether *key_id* was usable until now. What it sealed can never be opened again."""
        return self._ring.destroy(key_id, reason)

    def _seal_under(
        self,
        scope_of: Callable[[Context], Scope],
        items: Sequence[tuple[str, Context]],
        extra: bytes,
        *,
        use_cache: bool = True,
    ) -> list[Sealed | CryptoError]:
        _refuse_when_off()
        scopes = [scope_of(context) for _, context in items]
        keys = self._ring.active_many(set(scopes), use_cache=use_cache)
        return [
            attempt(seal, keys[scope], text, context, extra)
            for scope, (text, context) in zip(scopes, items, strict=True)
        ]

    def _locks(self, items: Sequence[Item], *, use_cache: bool = True) -> list[Lock | CryptoError]:
        """For each item what is needed to open it."""
        headers = [attempt(read_header, sealed) for sealed, _ in items]
        kids = {header.kid for header in headers if isinstance(header, Header)}
        keys = self._ring.find(kids, use_cache=use_cache)
        return [
            attempt(find_lock, header, keys, context)
            for header, (_, context) in zip(headers, items, strict=True)
        ]


@cache
def encryption() -> EncryptionService:
    """This process's service, with this process's cache of keys."""
    return EncryptionService()


def _refuse_when_off() -> None:
    if not settings.ENCRYPTION_ENABLED:
        raise EncryptionDisabled
