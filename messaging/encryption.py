"""Sealing and opening what people write: the only module that speaks to crypto_core.

A message is sealed before its first INSERT under its tenant's ingress key; the encryption stage moves
it to its conversation's session key. `encrypted: true` is sealed or refused, never stored plain (C5).
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from django.conf import settings

from crypto_core import blindindex, jose
from crypto_core.errors import (
    CryptoError,
    PayloadInvalid,
    PayloadTooLarge,
    SearchQueryInvalid,
)
from crypto_core.service import Context, Sealed, encryption
from crypto_core.suite import b64, unb64
from messaging.errors import EncryptionUnavailable, Invalid
from messaging.models import DevicePushToken, Message, Protection, Tenant

IV, TAG = 12, 16  # bytes, in front of a packed part


@dataclass(frozen=True, slots=True)
class Opened:
    """What a reader gets of a message: its text and fields, or the code of why not."""

    text: str = ""
    metadata: dict[str, object] | None = None
    error: str | None = None


@cache
def token_keys() -> list[jose.TokenKey]:
    """The keys of access tokens; the first one signs, all verify."""
    return jose.token_keys(settings.JWT_SEEDS)


def wants_sealing(tenant: Tenant, encrypted: bool | None) -> bool:
    """Whether a send is sealed, by its own word first and its tenant's policy second.

    Raises Invalid where the policy forbids a plain message, and EncryptionUnavailable where sealing is
    asked for, by either, while it is switched off.
    """
    policy = Tenant.Encryption(tenant.encryption)
    if encrypted is False and policy is Tenant.Encryption.REQUIRED:
        raise Invalid("This tenant seals every message.", pointer="/encrypted")
    if encrypted is None:
        on = bool(settings.ENCRYPTION_ENABLED)
        encrypted = policy is Tenant.Encryption.REQUIRED or (
            policy is Tenant.Encryption.PREFERRED and on
        )
    if encrypted and not settings.ENCRYPTION_ENABLED:
        raise EncryptionUnavailable
    return encrypted


def degraded(tenant: Tenant, encrypted: bool | None, *, sealed: bool) -> bool:
    """Whether a message went in plain only because encryption is off: allowed by policy, audited."""
    return not sealed and encrypted is None and tenant.encryption == Tenant.Encryption.PREFERRED


def fill(message: Message, text: str, metadata: dict[str, object] | None, *, sealed: bool) -> None:
    """Put *text* and *metadata* into the unsaved *message*, sealed under the ingress key or plain."""
    if not sealed:
        message.content, message.metadata = text, metadata
        return
    parts = [(text, _context(message))]
    if metadata is not None:
        parts.append((_canonical(metadata), _context(message, "metadata")))
    try:  # together, since the row names one key for both
        content, *fields = [_usable(part) for part in encryption().seal_ingress_many(parts)]
    except (PayloadInvalid, PayloadTooLarge) as error:
        raise Invalid("Not a text that can be sealed.", pointer="/content") from error
    except CryptoError as error:
        raise EncryptionUnavailable from error
    message.protection = Protection.MANAGED
    message.is_encrypted = True
    _store(message, content, fields[0] if fields else None)


def open_messages(messages: Iterable[Message], *, use_cache: bool = True) -> dict[UUID, Opened]:
    """Every one of *messages* opened by its id; one that cannot be has an error and harms no other."""
    rows = list(messages)
    sealed = [row for row in rows if row.is_encrypted]
    parts = [(_content_of(row), _context(row)) for row in sealed]
    with_fields = [row for row in sealed if row.sealed_metadata]
    parts += [(_metadata_of(row), _context(row, "metadata")) for row in with_fields]
    results = encryption().open_many(parts, use_cache=use_cache) if parts else []
    fields = dict(zip((row.pk for row in with_fields), results[len(sealed) :], strict=True))
    opened = {row.pk: Opened(row.content, row.metadata) for row in rows if not row.is_encrypted}
    for row, result in zip(sealed, results[: len(sealed)], strict=True):
        opened[row.pk] = _opened(result, fields.get(row.pk))
    return opened


def promote(messages: Sequence[Message]) -> dict[UUID, CryptoError]:
    """Move *messages*, rows locked by the caller, to their session keys; what failed, by id.

    One that is under a session key already comes back unchanged.
    """
    with_fields = [row for row in messages if row.sealed_metadata]
    results = encryption().promote_many(
        [(_content_of(row), _context(row)) for row in messages]
        + [(_metadata_of(row), _context(row, "metadata")) for row in with_fields]
    )
    fields = dict(zip((row.pk for row in with_fields), results[len(messages) :], strict=True))
    failed: dict[UUID, CryptoError] = {}
    for row, content in zip(messages, results[: len(messages)], strict=True):
        extra = fields.get(row.pk)
        if isinstance(content, CryptoError):
            failed[row.pk] = content
        elif isinstance(extra, CryptoError):
            failed[row.pk] = extra
        else:
            _store(row, content, extra)
    return failed


def under_session_key(messages: Sequence[Message]) -> set[UUID]:
    """Those of *messages*, all of one tenant or many, whose sealed form recipients may hold."""
    by_tenant: dict[UUID, set[str]] = {}
    for row in messages:
        if row.key_id:
            by_tenant.setdefault(row.tenant_id, set()).add(row.key_id)
    session = {
        (tenant, kid)
        for tenant, kids in by_tenant.items()
        for kid in encryption().is_session_key(tenant, kids)
    }
    return {row.pk for row in messages if (row.tenant_id, row.key_id) in session}


def rotate(tenant_id: UUID, conversation_id: UUID, reason: str) -> None:
    """Seal what comes next in the conversation under a new key; nothing to do while sealing is off."""
    if settings.ENCRYPTION_ENABLED:
        encryption().rotate(tenant_id, conversation_id, reason)


def seal_title(tenant_id: UUID, conversation_id: UUID, title: str) -> tuple[bytes, str]:
    """A conversation's title in its packed form, and the id of its key."""
    context = Context(tenant_id, conversation_id, conversation_id, "title")
    try:
        sealed = encryption().seal(title, context)
    except CryptoError as error:
        raise EncryptionUnavailable from error
    return _pack(sealed), sealed.metadata["keyId"]


def open_title(tenant_id: UUID, conversation_id: UUID, packed: bytes | None, kid: str) -> str:
    """The title as people see it; empty where there is none or it cannot be opened."""
    if not packed:
        return ""
    context = Context(tenant_id, conversation_id, conversation_id, "title")
    [title] = encryption().open_many([(_unpack(packed, kid, "1"), context)])
    return "" if isinstance(title, CryptoError) else title


def seal_push_token(
    tenant_id: UUID, user_id: UUID, device_id: UUID, token: str
) -> tuple[bytes, str]:
    """A device's push token in its packed form, and the id of its key."""
    context = Context(tenant_id, user_id, device_id, "push-token")
    try:
        sealed = encryption().seal_ingress(token, context)
    except CryptoError as error:
        raise EncryptionUnavailable from error
    return _pack(sealed), sealed.metadata["keyId"]


def open_push_tokens(devices: Sequence[DevicePushToken]) -> dict[UUID, str]:
    """The push tokens of *devices* by their ids; one that cannot be opened is left out."""
    parts = [
        (
            _unpack(bytes(row.sealed_token), row.key_id, "1"),
            Context(row.tenant_id, row.user_id, row.pk, "push-token"),
        )
        for row in devices
    ]
    opened = encryption().open_many(parts) if parts else []
    pairs = zip(devices, opened, strict=True)
    return {row.pk: token for row, token in pairs if not isinstance(token, CryptoError)}


def encode(ciphertext: bytes | memoryview | None) -> str:
    """A ciphertext as it travels in JSON: base64url without padding."""
    return urlsafe_b64encode(ciphertext or b"").rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The ciphertext that *encode* made *text* of."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def mac(tenant_id: UUID, body: bytes) -> tuple[str, bytes]:
    """The id of the tenant's audit key, and the HMAC-SHA-256 of *body* under it."""
    return encryption().mac(tenant_id, body)


def blind_tokens(
    tenant_id: UUID, conversation_id: UUID, text: str, language: str
) -> tuple[str, str]:
    """The words of *text* as a tsvector that only this conversation's key can ask, and the key's id."""
    kid, key = encryption().index_key(tenant_id, conversation_id)
    return blindindex.tokens(text, key, language), kid


def blind_queries(
    tenant_id: UUID, conversations: Iterable[UUID], text: str, language: str
) -> dict[UUID, str]:
    """The search *text* as each indexed conversation's tsquery. Raises Invalid for a useless one."""
    keys = encryption().index_keys(tenant_id, list(conversations))
    try:
        return {
            conversation: blindindex.query(text, key, language)
            for conversation, (_, key) in keys.items()
        }
    except SearchQueryInvalid as error:
        raise Invalid("Not a query that can be answered.", pointer="/q") from error


def _context(message: Message, part: str = "content") -> Context:
    return Context(message.tenant_id, message.conversation_id, message.pk, part)


def _content_of(message: Message) -> Sealed:
    return Sealed(
        bytes(message.encrypted_content or b""),
        message.encryption_metadata or {},
        message.encryption_version or "",
    )


def _metadata_of(message: Message) -> Sealed:
    kid = (message.encryption_metadata or {}).get("keyId", "")
    return _unpack(bytes(message.sealed_metadata or b""), kid, message.encryption_version or "")


def _usable(part: Sealed | CryptoError) -> Sealed:
    if isinstance(part, CryptoError):
        raise part
    return part


def _store(message: Message, content: Sealed, fields: Sealed | None) -> None:
    message.encrypted_content = content.ciphertext
    message.encryption_metadata = content.metadata
    message.encryption_version = content.version
    message.sealed_metadata = _pack(fields) if fields else None


def _opened(content: str | CryptoError, fields: str | CryptoError | None) -> Opened:
    if isinstance(content, CryptoError):
        return Opened(error=content.code)
    if isinstance(fields, CryptoError):
        return Opened(error=fields.code)
    return Opened(content, json.loads(fields) if fields else None)


def _pack(sealed: Sealed) -> bytes:
    return (
        unb64(sealed.metadata["iv"], IV)
        + unb64(sealed.metadata["authTag"], TAG)
        + sealed.ciphertext
    )


def _unpack(packed: bytes, kid: str, version: str) -> Sealed:
    metadata = {
        "algorithm": "AES-256-GCM",
        "iv": b64(packed[:IV]),
        "authTag": b64(packed[IV : IV + TAG]),
        "keyId": kid,
    }
    return Sealed(packed[IV + TAG :], metadata, version)


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
