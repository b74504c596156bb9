"""The keys as PostgreSQL keeps them: wrapped, with their purpose and how far their life has gone.

And the devices to which session keys are released: their public halves only.

The tables hold plain UUIDs instead of foreign keys: they know no tenants and no conversations.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import uuid4

from django.db import models
from django.db.models import Q

from crypto_core.suite import Scope


class KeyState(models.TextChoices):
    """How far a key's life has gone; only ever forward."""

    ACTIVE = "active"  # seals and opens
    RETIRED = "retired"  # opens only
    DESTROYED = "destroyed"  # its material is gone; the row says that there was one


class WrappedKey(models.Model):
    """What both tables have."""

    id = models.CharField(primary_key=True, max_length=43)  # its fingerprint
    tenant_id = models.UUIDField()
    purpose = models.CharField(max_length=16)
    state = models.CharField(max_length=16, choices=KeyState, default=KeyState.ACTIVE)
    parent_id = models.CharField(max_length=64)  # the key that wraps it
    wrapped = models.BinaryField(null=True, max_length=60)
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)
    destroyed_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.id

    @property
    def scope(self) -> Scope:
        """What the key is for."""
        raise NotImplementedError


def _destroyed_or_wrapped(table: str) -> models.CheckConstraint:
    gone, kept = Q(state=KeyState.DESTROYED, wrapped=None), Q(wrapped__isnull=False)
    return models.CheckConstraint(
        condition=gone | (kept & ~Q(state=KeyState.DESTROYED)), name=f"{table}_destroyed_is_gone"
    )


class TenantKey(WrappedKey):
    """A key of a tenant, wrapped by a KEK."""

    class Purpose(models.TextChoices):
        WRAP = "wrap"  # wraps the keys of its conversations
        INGRESS = "ingress"  # seals what has just come in, before its conversation's key does
        AUDIT = "audit"  # authenticates the audit log

    purpose = models.CharField(max_length=16, choices=Purpose)

    class Meta:
        db_table = "tenant_keys"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "purpose"],
                condition=Q(state=KeyState.ACTIVE),
                name="tenant_keys_active_key",
            ),
            _destroyed_or_wrapped("tenant_keys"),
        ]
        indexes = [models.Index(fields=["parent_id"], name="tenant_keys_parent_idx")]

    @property
    def scope(self) -> Scope:
        return Scope(self.tenant_id, self.purpose)


class ConversationKey(WrappedKey):
    """A key of a conversation, wrapped by its tenant's key."""

    class Purpose(models.TextChoices):
        CONTENT = "content"  # seals its messages: the session key
        INDEX = "index"  # makes its search tokens

    purpose = models.CharField(max_length=16, choices=Purpose)
    conversation_id = models.UUIDField()

    class Meta:
        db_table = "conversation_keys"
        constraints = [
            models.UniqueConstraint(
                fields=["conversation_id", "tenant_id", "purpose"],
                condition=Q(state=KeyState.ACTIVE),
                name="conversation_keys_active_key",
            ),
            _destroyed_or_wrapped("conversation_keys"),
        ]
        indexes = [models.Index(fields=["parent_id"], name="conversation_keys_parent_idx")]

    @property
    def scope(self) -> Scope:
        return Scope(self.tenant_id, self.purpose, self.conversation_id)


class Device(models.Model):
    """A device of somebody's, by the public half of the key that it holds."""

    class State(models.TextChoices):
        PENDING = "pending"  # has not shown yet that it holds the private half
        ACTIVE = "active"  # session keys may be released to it
        REVOKED = "revoked"  # never again: its key cannot be registered a second time

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    tenant_id = models.UUIDField()
    owner_id = models.UUIDField()
    label = models.CharField(max_length=100)
    jwk = models.JSONField()  # {kty, n, e}
    thumbprint = models.CharField(max_length=43)  # RFC 7638
    state = models.CharField(max_length=16, choices=State, default=State.PENDING)
    challenge = models.BinaryField(max_length=32)  # SHA-256 of the nonce that proves possession
    challenge_expires_at = models.DateTimeField()
    created_at = models.DateTimeField()
    activated_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "key_devices"
        constraints = [
            models.UniqueConstraint(
                fields=["owner_id", "thumbprint"],
                condition=~Q(state="pending"),
                name="key_devices_owner_key",
            )
        ]
        indexes = [models.Index(fields=["owner_id"], name="key_devices_owner_idx")]

    def __str__(self) -> str:
        return str(self.pk)


class KeyRelease(models.Model):
    """That a device was given a session key: what it knew is retired with the device."""

    pk = models.CompositePrimaryKey("device_id", "key_id")
    device = models.ForeignKey(Device, on_delete=models.CASCADE, db_index=False, related_name="+")
    key_id = models.CharField(max_length=43)
    released_at = models.DateTimeField()  # the first time

    class Meta:
        db_table = "key_releases"


def table_of(scope: Scope) -> type[WrappedKey]:
    """Where the keys of *scope* are kept."""
    return ConversationKey if scope.conversation else TenantKey


TABLES: tuple[type[WrappedKey], ...] = (ConversationKey, TenantKey)


def keys_by_id(
    kids: Collection[str], tables: tuple[type[WrappedKey], ...] = TABLES
) -> list[WrappedKey]:
    """Those of *kids* that exist in *tables*, in whatever state."""
    rows: list[WrappedKey] = []
    for table in tables:
        if missing := set(kids) - {row.id for row in rows}:
            rows += table._default_manager.filter(pk__in=missing)
    return rows


def active_keys(
    scopes: Collection[Scope], *, since: datetime, locked: bool = False
) -> list[WrappedKey]:
    """The active keys, made after *since*, of *scopes*, which are all of one purpose.

    A *locked* one cannot be retired before the caller's transaction ends. Keys that are too old are
    left out by the query: of two who hold a shared lock on one, neither could retire it.
    """
    one = next(iter(scopes))
    table = table_of(one)
    of_conversations = " AND conversation_id = ANY(%(conversations)s::uuid[])"
    query = (
        f"SELECT * FROM {table._meta.db_table} WHERE state = 'active' AND purpose = %(purpose)s"
        f" AND tenant_id = ANY(%(tenants)s::uuid[]) AND created_at > %(since)s"
        f"{of_conversations if one.conversation else ''}"
        f" ORDER BY id{' FOR SHARE' if locked else ''}"
    )
    values = {
        "purpose": one.purpose,
        "tenants": list({scope.tenant for scope in scopes}),
        "conversations": [scope.conversation for scope in scopes],
        "since": since,
    }
    return [row for row in table._default_manager.raw(query, values) if row.scope in scopes]


def retire_keys(scopes: Collection[Scope], *, until: datetime, now: datetime) -> dict[Scope, str]:
    """Those active keys of *scopes*, one tenant's, made *until* then; they are retired."""
    one = next(iter(scopes))
    of_conversations = Q(conversation_id__in=[scope.conversation for scope in scopes])
    due = table_of(one)._default_manager.filter(
        of_conversations if one.conversation else Q(),
        state=KeyState.ACTIVE,
        purpose=one.purpose,
        tenant_id=one.tenant,
        created_at__lte=until,
    )
    rows = list(due.order_by("pk").select_for_update())
    due.filter(pk__in=[row.pk for row in rows]).update(state=KeyState.RETIRED, retired_at=now)
    return {row.scope: row.id for row in rows}
