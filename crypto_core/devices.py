"""The devices to which session keys are released: registered, proven, revoked.

A device is active once it has opened a challenge that was encrypted to its public key, so nobody can
register a key that they do not hold. Every function runs inside the caller's transaction, which has
locked the owner: two registrations at once cannot both be the tenth.
"""

import hashlib
import hmac
import os
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from crypto_core.errors import (
    ChallengeFailed,
    DeviceKnown,
    DeviceLimit,
    DeviceUnusable,
    MetadataInvalid,
)
from crypto_core.jose import DeviceKey, encrypt_to
from crypto_core.models import ConversationKey, Device, KeyRelease, KeyState
from crypto_core.suite import unb64

MOST = 10  # of one owner
NONCE_BYTES = 32
CHALLENGE_LIFETIME = timedelta(minutes=5)
CHALLENGE = "device-challenge+jwe"

State = Device.State


@dataclass(frozen=True, slots=True)
class Registered:
    """A device that has yet to prove itself, and the challenge, which is kept nowhere."""

    device: Device
    challenge: str


def of(owner: UUID) -> QuerySet[Device]:
    """The devices of *owner* that are active, or still may become so."""
    now = timezone.now()
    late = Device.objects.filter(state=State.PENDING, challenge_expires_at__lte=now)
    return Device.objects.filter(owner_id=owner).exclude(state=State.REVOKED).exclude(pk__in=late)


def register(*, tenant: UUID, owner: UUID, label: str, key: DeviceKey) -> Registered:
    """A new device of *owner*'s, and a challenge that only the holder of *key* can open.

    Registering the same key again before it is active makes a new challenge.
    """
    now, name = timezone.now(), key.thumbprint
    mine = Device.objects.filter(owner_id=owner)
    if mine.filter(thumbprint=name).exclude(state=State.PENDING).exists():
        raise DeviceKnown
    pending = mine.filter(state=State.PENDING)
    pending.filter(challenge_expires_at__lte=now).delete()
    pending.filter(thumbprint=name).delete()
    if mine.exclude(state=State.REVOKED).count() >= MOST:
        raise DeviceLimit
    nonce = os.urandom(NONCE_BYTES)
    device = Device.objects.create(
        tenant_id=tenant,
        owner_id=owner,
        label=label,
        jwk=key.jwk,
        thumbprint=name,
        challenge=hashlib.sha256(nonce).digest(),
        challenge_expires_at=now + CHALLENGE_LIFETIME,
        created_at=now,
    )
    return Registered(device, encrypt_to(key, nonce, kid=str(device.pk), typ=CHALLENGE))


def activate(device: Device, nonce: str) -> bool:
    """Let *device* have keys, since it knows the *nonce*; False where it was active already."""
    try:
        digest = hashlib.sha256(unb64(nonce, NONCE_BYTES)).digest()
    except MetadataInvalid:
        raise ChallengeFailed from None
    right = hmac.compare_digest(digest, bytes(device.challenge))
    if not right or device.challenge_expires_at <= timezone.now():
        raise ChallengeFailed
    if device.state == State.ACTIVE:
        return False
    device.state, device.activated_at = State.ACTIVE, timezone.now()
    device.save(update_fields=["state", "activated_at"])
    return True


def revoke(device: Device) -> list[str]:
    """Give *device* no key again; the ids of those keys it was given that still seal."""
    device.state, device.revoked_at = State.REVOKED, timezone.now()
    device.save(update_fields=["state", "revoked_at"])
    known = KeyRelease.objects.filter(device=device).values("key_id")
    standing = ConversationKey.objects.filter(pk__in=known, state=KeyState.ACTIVE)
    return list(standing.values_list("pk", flat=True))


def note_release(device: Device, key_id: str) -> None:
    """Remember that *device* knows the key; raises DeviceUnusable unless it is active."""
    if device.state != State.ACTIVE:
        raise DeviceUnusable
    KeyRelease.objects.bulk_create(
        [KeyRelease(device=device, key_id=key_id, released_at=timezone.now())],
        ignore_conflicts=True,
    )


def forget_stale(limit: int) -> int:
    """How many registrations that nobody finished, at most *limit*, are gone now."""
    stale = Device.objects.filter(
        state=State.PENDING, challenge_expires_at__lte=timezone.now() - CHALLENGE_LIFETIME
    )
    found: Collection[UUID] = list(stale.values_list("pk", flat=True)[:limit])
    return Device.objects.filter(pk__in=found, state=State.PENDING).delete()[0]
