"""From a key to its row and back: wrapped in PostgreSQL, checked when unwrapped."""

from datetime import datetime
from functools import lru_cache

from django.conf import settings

from crypto_core import suite
from crypto_core.cache import Key
from crypto_core.errors import DecryptionFailed, KeyDestroyed, KeyMismatch
from crypto_core.kek import KekProvider, LocalKeyring
from crypto_core.models import ConversationKey, KeyState, TenantKey, WrappedKey
from crypto_core.suite import Scope

WRAP = TenantKey.Purpose.WRAP.value


@lru_cache(maxsize=1)
def _keyring(text: str) -> KekProvider:
    return LocalKeyring.parse(text)


def provider() -> KekProvider:
    """What wraps the tenants' keys, as the settings say."""
    return _keyring(settings.CRYPTO_KEYRING)


def new_row(scope: Scope, parent: Key | None, now: datetime) -> WrappedKey:
    """A row, not saved, with a fresh key for *scope*, wrapped by *parent* or by the provider."""
    with Key.fresh(scope, now) as key:
        bound = scope.bind(key.id)
        if scope.conversation is None:
            kek_id, wrapped = provider().wrap(key.material, bound)
            return TenantKey(
                id=key.id,
                tenant_id=scope.tenant,
                purpose=scope.purpose,
                parent_id=kek_id,
                wrapped=wrapped,
                created_at=now,
            )
        if parent is None:
            raise ValueError("a conversation's key is wrapped by its tenant's")
        return ConversationKey(
            id=key.id,
            tenant_id=scope.tenant,
            conversation_id=scope.conversation,
            purpose=scope.purpose,
            parent_id=parent.id,
            wrapped=suite.wrap(parent.material, parent.id, key.material, bound),
            created_at=now,
        )


def unwrapped(row: WrappedKey, parent: Key | None) -> Key:
    """The key in *row*, proven to be the one that its id names and to belong to its scope."""
    if row.wrapped is None:
        raise KeyDestroyed(row.id)
    if parent and parent.scope != Scope(row.tenant_id, WRAP):
        raise KeyMismatch(row.id)
    bound, blob = row.scope.bind(row.id), bytes(row.wrapped)
    try:
        if parent:
            material = suite.unwrap(parent.material, parent.id, blob, bound)
        else:
            material = provider().unwrap(row.parent_id, blob, bound)
    except DecryptionFailed:
        raise KeyMismatch(row.id) from None
    key = Key(row.id, row.scope, row.created_at, material)
    if suite.key_id(material) != row.id:
        raise KeyMismatch(row.id)
    return key


def rewrap() -> int:
    """How many tenants' keys were moved to the provider's current key; older ones may go then."""
    moved, current = 0, provider().current
    left = TenantKey.objects.exclude(parent_id=current).exclude(state=KeyState.DESTROYED)
    for row in left.order_by("pk").iterator():
        with unwrapped(row, None) as key:
            kek_id, wrapped = provider().wrap(key.material, row.scope.bind(row.id))
        as_seen = TenantKey.objects.filter(pk=row.pk, parent_id=row.parent_id, wrapped=row.wrapped)
        moved += as_seen.update(parent_id=kek_id, wrapped=wrapped)
    return moved
