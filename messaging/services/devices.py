"""Devices that are pushed to: registered by their apps, removed by owners, forgotten when stale."""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from messaging import audit, encryption
from messaging.errors import Conflict, NotFound
from messaging.models import DevicePushToken, PushSend, User
from queueing.periodic import periodic
from queueing.queues import CLEANUP

MOST_PRUNED = 10_000  # rows of one run
MOST = 10  # devices of one person that are pushed to
RACES = 3  # so many others may register the same token at the same moment


def register(
    *, user: User, session_id: UUID, platform: str, token: str, label: str = ""
) -> DevicePushToken:
    """The device with *token*, from now on *user*'s, whoever had it before. Raises Conflict for many."""
    for left in reversed(range(RACES)):
        try:
            return _register(user, session_id, platform, token, label)
        except IntegrityError:
            if not left:
                raise Conflict from None
    raise AssertionError("not reached")


@transaction.atomic
def _register(
    user: User, session_id: UUID, platform: str, token: str, label: str
) -> DevicePushToken:
    now = timezone.now()
    User.objects.select_for_update(no_key=True).get(pk=user.pk)  # or two could be the tenth
    own = DevicePushToken.objects.filter(user_id=user.pk)
    own.filter(last_seen_at__lt=_stale(now)).delete()
    key = fingerprint(platform, token)
    found = DevicePushToken.objects.select_for_update().filter(token_hash=key).first()
    if found is not None and found.user_id != user.pk:
        known = found.tenant_id == user.tenant_id  # who has it now is not another tenant's to know
        _record("device.moved", found, actor_id=user.pk if known else None)
        found.delete()
        found = None
    if own.filter(disabled_at=None).exclude(token_hash=key).count() >= MOST:
        raise Conflict(f"At most {MOST} devices; remove one first.")
    row = found or DevicePushToken(
        tenant_id=user.tenant_id, user_id=user.pk, platform=platform, token_hash=key
    )
    row.session_id, row.label, row.last_seen_at = session_id, label, now
    row.disabled_at, row.disabled_reason = None, ""
    if found is None:
        row.sealed_token, row.key_id = encryption.seal_push_token(
            user.tenant_id, user.pk, row.pk, token
        )
        _record("device.registered", row, actor_id=user.pk)
    row.save(force_insert=found is None, force_update=found is not None)
    return row


@transaction.atomic
def remove(*, user: User, device_id: UUID) -> None:
    """Push to that device of *user*'s no more. Raises NotFound."""
    row = DevicePushToken.objects.select_for_update().filter(user_id=user.pk, pk=device_id).first()
    if row is None:
        raise NotFound
    _record("device.removed", row, actor_id=user.pk)
    row.delete()


def list_of(user: User, *, limit: int, before: UUID | None = None) -> list[DevicePushToken]:
    """At most *limit* devices of *user*, newest first, older than *before*."""
    rows = DevicePushToken.objects.filter(tenant_id=user.tenant_id, user_id=user.pk)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows.order_by("-pk")[:limit])


@periodic(name="devices.prune", queue=CLEANUP)
def prune() -> dict[str, object]:
    """Forget devices that nobody has seen for long, and what was pushed before any job's end; counts.

    What is left over beyond the limit goes with the next night's run.
    """
    now = timezone.now()
    before = now - timedelta(days=settings.QUEUEING_FAILED_DAYS + 1)  # no job retries it any more
    return {
        "devices": _delete(DevicePushToken.objects.filter(last_seen_at__lt=_stale(now))),
        "sends": _delete(PushSend.objects.filter(sent_at__lt=before)),
    }


def _delete(rows: QuerySet[Any]) -> int:
    """Delete the oldest of *rows* that nobody else has locked; how many."""
    locked = rows.order_by("pk").select_for_update(skip_locked=True)[:MOST_PRUNED]
    ids = list(locked.values_list("pk", flat=True))
    rows.model._default_manager.filter(pk__in=ids).delete()
    return len(ids)


def fingerprint(platform: str, token: str) -> bytes:
    """What a token is found by."""
    return sha256(f"{platform}:{token}".encode()).digest()


def _stale(now: datetime) -> datetime:
    return now - timedelta(days=settings.PUSH_STALE_DAYS)


def _record(action: str, row: DevicePushToken, *, actor_id: UUID | None) -> None:
    audit.record(
        tenant_id=row.tenant_id,
        actor_id=actor_id,
        action=action,
        target_type="device",
        target_id=row.pk,
        platform=row.platform,
        userId=row.user_id,
    )
