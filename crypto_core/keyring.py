"""The keys themselves: found by id, made when first needed, replaced when they are old.

    KEK (kek.py) → tenant's keys: wrap, ingress, audit
                     wrap → conversation's keys: content, index

PostgreSQL keeps them wrapped; unwrapped ones live in this process's cache. A key that was made or
read inside a transaction enters it when that commits: after a rollback it would be a phantom.
Whoever gets a Key gets a private copy.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from operator import attrgetter

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Coalesce
from django.utils import timezone

from crypto_core import signals
from crypto_core.cache import Found, Key, KeyCache
from crypto_core.errors import CryptoError, KeyNotFound, KeyUnusable
from crypto_core.models import (
    TABLES,
    ConversationKey,
    KeyState,
    TenantKey,
    WrappedKey,
    active_keys,
    keys_by_id,
    retire_keys,
    table_of,
)
from crypto_core.suite import Scope
from crypto_core.wrapping import WRAP, new_row, unwrapped

TENANT = tuple(TenantKey.Purpose.values)
NEVER, ALWAYS = datetime.fromtimestamp(0, UTC), datetime.max.replace(tzinfo=UTC)
ROUNDS = 8  # so many others may rotate the same key at the same moment


def oldest(purpose: str) -> datetime:
    """When the oldest key of *purpose* that may still seal was made."""
    seconds = settings.CRYPTO_MAX_AGE.get(purpose)
    return timezone.now() - timedelta(seconds=seconds) if seconds else NEVER


class KeyRing:
    """All keys of all tenants; what cannot be had comes as an error, per key."""

    def __init__(self) -> None:
        self._cache = KeyCache(settings.CRYPTO_CACHE_SIZE)

    def find(self, kids: Collection[str], *, use_cache: bool = True) -> dict[str, Found]:
        """The keys *kids*, retired ones too."""
        found = self._cached(kids) if use_cache else {}
        if missing := set(kids) - found.keys():
            found |= self._read(keys_by_id(missing), use_cache=use_cache)
        return {kid: found.get(kid) or KeyNotFound(kid) for kid in kids}

    def scopes(self, kids: Collection[str]) -> dict[str, Scope]:
        """What those of *kids* that exist, or did before they were destroyed, are for."""
        scopes = {kid: key.scope for kid in kids if (key := self._cache.copy(kid))}
        if missing := set(kids) - scopes.keys():
            rows = keys_by_id(missing)
            self._read(rows)
            scopes |= {row.id: row.scope for row in rows}
        return scopes

    def active(self, scope: Scope, *, use_cache: bool = True) -> Key:
        """The key that seals for *scope*, made now if there is none or if it is too old."""
        found = self.active_many([scope], use_cache=use_cache)[scope]
        if isinstance(found, CryptoError):
            raise found
        return found

    def active_many(
        self, scopes: Collection[Scope], *, use_cache: bool = True, locked: bool = False
    ) -> dict[Scope, Found]:
        """The keys that seal for *scopes*, which are all of one purpose.

        When *locked*, PostgreSQL says now which they are, and nobody can retire them before the
        caller's transaction ends; the cache gives only the bytes.
        """
        found: dict[Scope, Found] = {}
        if use_cache and not locked:
            found |= {scope: key for scope in scopes if (key := self._known(scope))}
        if missing := set(scopes) - found.keys():
            since = oldest(next(iter(missing)).purpose)
            rows = active_keys(missing, since=since, locked=locked)
            if lacking := missing - {row.scope for row in rows}:
                found |= self._make_each(lacking, since)
                if lacking := lacking - found.keys():
                    rows += active_keys(lacking, since=since, locked=locked)
            found |= self._of_active(rows, use_cache=use_cache)
        return {scope: found.get(scope) or KeyNotFound() for scope in scopes}

    def existing(self, scopes: Collection[Scope]) -> dict[Scope, Found]:
        """The keys that seal for *scopes*, without those that have none."""
        return self._of_active(active_keys(scopes, since=NEVER)) if scopes else {}

    def rotate(self, scope: Scope, reason: str) -> str:
        """The id of a new key that seals for *scope*; what was sealed before still opens."""
        with transaction.atomic():
            for _ in range(ROUNDS):
                if kid := self._make([scope], ALWAYS, reason).get(scope):
                    return kid
        raise KeyUnusable("others rotate it at the same time")

    def unwrap(self, rows: Sequence[WrappedKey], *, use_cache: bool = True) -> dict[str, Found]:
        """The keys in *rows*; they do not enter the cache."""
        wraps = {row.parent_id for row in rows if isinstance(row, ConversationKey) and row.wrapped}
        parents = self._cached(wraps) if use_cache else {}
        if missing := wraps - parents.keys():
            parents |= self._read(keys_by_id(missing, (TenantKey,)), use_cache=use_cache)
        return {row.id: _key_or_error(row, parents) for row in rows}

    def retire(self, kids: Collection[str], reason: str) -> list[str]:
        """Those of *kids* that sealed until now."""
        with transaction.atomic():
            retired: list[str] = []
            for table in TABLES:
                due = table._default_manager.filter(pk__in=kids, state=KeyState.ACTIVE)
                retired += self._retire(list(due.order_by("pk").select_for_update()), reason)
        return retired

    def retire_due(self, limit: int) -> int:
        """How many keys, at most *limit*, had become too old to seal without anybody noticing."""
        with transaction.atomic():
            left = limit
            for purpose in sorted(settings.CRYPTO_MAX_AGE):
                table = TenantKey if purpose in TENANT else ConversationKey
                due = table._default_manager.filter(
                    state=KeyState.ACTIVE, purpose=purpose, created_at__lte=oldest(purpose)
                ).order_by("pk")
                # One that is locked is in use: whoever holds it, or the next, replaces it.
                rows = list(due.select_for_update(skip_locked=True)[:left])
                left -= len(self._retire(rows, "age"))
        return limit - left

    def destroy(self, kid: str, reason: str) -> bool:
        """Whether the material of *kid* was there until now; nothing that it sealed opens again."""
        with transaction.atomic():
            row = next(iter(keys_by_id([kid])), None)
            if row is None:
                raise KeyNotFound(kid)
            standing = type(row)._default_manager.filter(pk=kid).exclude(state=KeyState.DESTROYED)
            now = timezone.now()
            gone = standing.update(
                state=KeyState.DESTROYED,
                wrapped=None,
                retired_at=Coalesce("retired_at", now),
                destroyed_at=now,
            )
            if not gone:
                return False
            self._forget(kid)
            signals.key_destroyed.send(sender=type(row), scope=row.scope, key_id=kid, reason=reason)
        return True

    def _retire(self, rows: Sequence[WrappedKey], reason: str) -> list[str]:
        """Mark *rows*, which the caller has locked; their ids."""
        if not rows:
            return []
        table = type(rows[0])
        kids = [row.id for row in rows]
        table._default_manager.filter(pk__in=kids).update(
            state=KeyState.RETIRED, retired_at=timezone.now()
        )
        for row in rows:
            self._forget(row.id)
            signals.key_retired.send(sender=table, scope=row.scope, key_id=row.id, reason=reason)
        return kids

    def _cached(self, kids: Iterable[str]) -> dict[str, Found]:
        return {kid: key for kid in kids if (key := self._cache.copy(kid))}

    def _known(self, scope: Scope) -> Key | None:
        key = self._cache.copy_active(scope)
        return key if key and key.made_at > oldest(scope.purpose) else None

    def _read(self, rows: list[WrappedKey], *, use_cache: bool = True) -> dict[str, Found]:
        found = self.unwrap(rows, use_cache=use_cache)
        if use_cache:
            self._keep(found.values())
        return found

    def _of_active(self, rows: list[WrappedKey], *, use_cache: bool = True) -> dict[Scope, Found]:
        found = self._cached(row.id for row in rows) if use_cache else {}
        found |= self.unwrap([row for row in rows if row.id not in found], use_cache=use_cache)
        if use_cache:
            self._keep(found.values(), active=True)
        return {row.scope: found[row.id] for row in rows}

    def _keep(self, keys: Iterable[Found], *, active: bool = False) -> None:
        """Put *keys* into the cache once the caller's transaction has committed."""
        for key in keys:
            if isinstance(key, Key):
                seconds = (
                    settings.CRYPTO_CACHE_SECONDS
                    if key.scope.conversation
                    else settings.CRYPTO_TENANT_CACHE_SECONDS
                )
                put = partial(self._cache.put, key.copy(), seconds, active=active)
                transaction.on_commit(put)

    def _forget(self, kid: str) -> None:
        self._cache.discard(kid)
        transaction.on_commit(partial(self._cache.discard, kid))  # another thread may have read it

    def _make_each(self, scopes: Collection[Scope], until: datetime) -> dict[Scope, Found]:
        """Make keys for *scopes*; what went wrong, which for one tenant is no other's trouble."""
        errors: dict[Scope, Found] = {}
        ordered = sorted(scopes, key=str)  # everybody locks in this order
        for _, group in groupby(ordered, key=attrgetter("tenant")):
            of_tenant = list(group)
            try:
                self._make(of_tenant, until, "age")
            except CryptoError as error:
                errors |= dict.fromkeys(of_tenant, error)
        return errors

    def _make(self, scopes: list[Scope], until: datetime, reason: str) -> dict[Scope, str]:
        """The ids of the keys made for *scopes*, of one tenant; a rival's that was first stands.

        Those made *until* then are retired. A tenant's own keys are made all at once: transactions
        that made them one by one in different orders would wait for each other.
        """
        tenant, table, now = scopes[0].tenant, table_of(scopes[0]), timezone.now()
        if scopes[0].conversation:
            parent, wanted = self.active(Scope(tenant, WRAP)), scopes
        else:
            parent, wanted = None, [Scope(tenant, purpose) for purpose in TENANT]
        rows = [new_row(scope, parent, now) for scope in wanted]
        with transaction.atomic():
            retired = retire_keys(scopes, until=until, now=now)
            for kid in retired.values():
                self._forget(kid)
            table._default_manager.bulk_create(rows, ignore_conflicts=True)
            standing = {row.id for row in keys_by_id([row.id for row in rows], (table,))}
            made = {row.scope: row.id for row in rows if row.id in standing}
            for scope, kid in made.items():
                signal, why = (
                    (signals.key_rotated, reason)
                    if scope in retired
                    else (signals.key_created, "first use")
                )
                signal.send(sender=table, scope=scope, key_id=kid, reason=why)
        return made


def _key_or_error(row: WrappedKey, parents: dict[str, Found]) -> Found:
    parent: Found | None = None
    if row.wrapped and isinstance(row, ConversationKey):
        parent = parents.get(row.parent_id) or KeyNotFound(row.parent_id)
    try:
        return parent if isinstance(parent, CryptoError) else unwrapped(row, parent)
    except CryptoError as error:
        return error
