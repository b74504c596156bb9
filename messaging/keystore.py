"""Keys as such: devices and what is released to them, rotation, upkeep.

With messaging/encryption.py, which seals and opens, all that speaks to crypto_core. Everything runs in
the caller's transaction; what crypto_core refuses comes out as the refusal that a caller meets.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings

from crypto_core import devices, jose, upkeep
from crypto_core.devices import MOST
from crypto_core.errors import (
    ChallengeFailed,
    CryptoError,
    DeviceKeyInvalid,
    DeviceKnown,
    DeviceLimit,
    DeviceUnusable,
    KeyUnusable,
)
from crypto_core.models import ConversationKey, Device, KeyState
from crypto_core.service import encryption
from crypto_core.upkeep import Progress
from messaging.errors import Conflict, EncryptionUnavailable, Invalid, NotFound
from messaging.models import User

__all__ = ["MOST", "Device", "Progress", "Released"]

CONTENT = ConversationKey.Purpose.CONTENT


@dataclass(frozen=True, slots=True)
class Released:
    """A session key in the form that one device can open."""

    key_id: str
    device_id: UUID
    jwe: str


def devices_of(owner: User) -> list[Device]:
    """The devices of *owner*, the oldest first, without those revoked or never proven in time."""
    return list(devices.of(owner.pk).order_by("created_at", "pk"))


def device_of(owner: User, device_id: UUID) -> Device:
    """One of the devices of *owner*, locked: a key is either released to it or it is revoked first.

    Raises NotFound, also for one that was revoked.
    """
    mine = devices.of(owner.pk).filter(pk=device_id, tenant_id=owner.tenant_id)
    device = mine.select_for_update(no_key=True).first()
    if device is None:
        raise NotFound
    return device


def register(
    owner: User, *, label: str, jwk: Mapping[str, Any] | None, spki: str | None
) -> tuple[Device, str]:
    """A device that is not active yet, and the challenge that it has to open."""
    with _refusals():
        key = jose.device_key(jwk) if jwk is not None else jose.device_key_of_spki(spki or "")
        made = devices.register(tenant=owner.tenant_id, owner=owner.pk, label=label, key=key)
    return made.device, made.challenge


def activate(device: Device, nonce: str) -> bool:
    """Let *device* have keys, since it has opened its challenge; False where it was active."""
    with _refusals():
        return devices.activate(device, nonce)


def revoke(device: Device) -> list[str]:
    """Give *device* no key again, and retire those that it was given; their ids."""
    known = devices.revoke(device)
    return encryption().retire(known, "device-revoked")


def release(device: Device, conversation_id: UUID, key_id: str) -> Released:
    """The session key *key_id* of the conversation for *device*; who may ask is the caller's matter.

    Raises NotFound for an ingress key, one of another conversation, or one that was destroyed.
    """
    with _refusals():
        jwe = encryption().release(key_id, conversation_id, device)
        devices.note_release(device, key_id)
    return Released(key_id, device.pk, jwe)


def rotate(tenant_id: UUID, conversation_id: UUID, reason: str) -> str:
    """The id of the conversation's new session key. Raises EncryptionUnavailable."""
    if not settings.ENCRYPTION_ENABLED:
        raise EncryptionUnavailable
    try:
        return encryption().rotate(tenant_id, conversation_id, reason)
    except CryptoError as error:
        raise EncryptionUnavailable from error


def active_session_keys(conversations: Collection[UUID]) -> dict[str, UUID]:
    """The keys that seal in *conversations* now: id and tenant."""
    rows = ConversationKey.objects.filter(
        conversation_id__in=conversations, purpose=CONTENT, state=KeyState.ACTIVE
    )
    return dict(rows.values_list("pk", "tenant_id"))


def retire(key_ids: Collection[str], reason: str) -> int:
    """How many of *key_ids* sealed until now."""
    return len(encryption().retire(key_ids, reason))


def retire_due(limit: int) -> int:
    """How many keys, at most *limit*, were too old to seal; they are retired now."""
    return encryption().retire_due(limit)


def rewrap(limit: int, after: str) -> Progress:
    """Move up to *limit* conversations' keys to the newest key of their tenants."""
    return encryption().rewrap(limit, after)


def idle_ingress_keys() -> list[str]:
    """Ingress keys retired for long enough; whether a row is still under one is for us to look."""
    return upkeep.idle_ingress_keys()


def lock_retired(key_id: str) -> bool:
    """Whether the ingress key is retired; nobody else destroys it in this transaction's time."""
    return upkeep.lock_retired(key_id)


def destroy(key_id: str, reason: str) -> bool:
    """Whether the key was there until now; nothing that it sealed opens again."""
    return encryption().destroy(key_id, reason)


def forget_stale_devices(limit: int) -> int:
    """How many registrations that nobody finished, at most *limit*, are gone now."""
    return devices.forget_stale(limit)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except DeviceKeyInvalid as error:
        raise Invalid(f"Not a key that can be used: {error.about}.") from error
    except ChallengeFailed as error:
        raise Invalid("Not the answer to the challenge, or too late.", pointer="/nonce") from error
    except DeviceKnown as error:
        raise Conflict("This key is, or was, one of your devices': make a new pair.") from error
    except DeviceLimit as error:
        raise Conflict(f"You have {MOST} devices: revoke one first.") from error
    except DeviceUnusable as error:
        raise Conflict("The device has not opened its challenge yet.") from error
    except KeyUnusable as error:
        raise NotFound from error
    except CryptoError as error:
        raise EncryptionUnavailable from error
