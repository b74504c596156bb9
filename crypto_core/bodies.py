"""One body with its key at hand: sealed, opened, moved to another key.

Every function takes what an earlier one found, be it an error, so that in a list each item fails for
itself: `attempt` turns what is raised into an item.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, ParamSpec, TypeVar
from uuid import UUID

from crypto_core import suite
from crypto_core.cache import Found, Key
from crypto_core.errors import CryptoError, DecryptionFailed, KeyMismatch, PayloadInvalid
from crypto_core.models import ConversationKey, TenantKey
from crypto_core.suite import Context, Header, Scope

INGRESS, CONTENT = TenantKey.Purpose.INGRESS.value, ConversationKey.Purpose.CONTENT.value

T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed body as its row keeps it: three columns."""

    ciphertext: bytes
    metadata: dict[str, str]
    version: str


class Lock(NamedTuple):
    """What stands beside a body, and the key that opens it."""

    header: Header
    key: Key


def attempt(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | CryptoError:
    """What *call* returns, or what it raises."""
    try:
        return call(*args, **kwargs)
    except CryptoError as error:
        return error


def usable(found: T | CryptoError) -> T:
    """What was found; an error is raised now."""
    if isinstance(found, CryptoError):
        raise found
    return found


def as_uuid(value: UUID | str) -> UUID:
    """*value* as a UUID; a text has to be in the one form that a context is bound to."""
    if isinstance(value, UUID):
        return value
    found = UUID(value)
    if str(found) != value:
        raise ValueError("a UUID is written in lower case with hyphens")
    return found


def ingress_of(context: Context) -> Scope:
    """What seals when a body arrives in *context*."""
    return Scope(as_uuid(context.tenant), INGRESS)


def session_of(context: Context) -> Scope:
    """What seals a body that stands in *context*."""
    return Scope(as_uuid(context.tenant), CONTENT, as_uuid(context.conversation))


def read_header(sealed: Sealed) -> Header:
    """What stands beside the ciphertext, if it is of a version that can be opened."""
    suite.opener(sealed.version)
    return suite.parse(sealed.metadata)


def find_lock(found: Header | CryptoError, keys: Mapping[str, Found], context: Context) -> Lock:
    """The key that the header names, refused unless it may open what stands in *context*."""
    header = usable(found)
    key = usable(keys[header.kid])
    if key.scope not in (session_of(context), ingress_of(context)):
        raise KeyMismatch(header.kid)
    return Lock(header, key)


def seal(found: Found, plaintext: str, context: Context, extra: bytes) -> Sealed:
    """*plaintext* under the key that was found."""
    key = usable(found)
    try:
        body = plaintext.encode()
    except UnicodeEncodeError:  # it would carry the text
        raise PayloadInvalid from None
    return Sealed(*suite.seal(key.material, key.id, body, context, extra), suite.VERSION)


def _body(lock: Lock, sealed: Sealed, context: Context, extra: bytes) -> bytes:
    opener = suite.opener(sealed.version)
    return opener(lock.key.material, bytes(sealed.ciphertext), lock.header, context, extra)


def open_text(found: Lock | CryptoError, sealed: Sealed, context: Context, extra: bytes) -> str:
    """The text that *sealed* holds."""
    try:
        return _body(usable(found), sealed, context, extra).decode()
    except UnicodeDecodeError:
        raise DecryptionFailed from None


def promote(
    found: Lock | CryptoError, sealed: Sealed, context: Context, session: Found | None
) -> Sealed:
    """What *sealed* holds, under its *session* key; as it was if it is under one."""
    lock = usable(found)
    if session is None or lock.key.scope.purpose == CONTENT:
        return sealed
    key, body = usable(session), _body(lock, sealed, context, b"")
    return Sealed(*suite.seal(key.material, key.id, body, context), suite.VERSION)
