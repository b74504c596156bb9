"""A person's key devices: registering one, proving that it holds its key, revoking it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction

from messaging import audit, keystore
from messaging.errors import Invalid
from messaging.events import timestamp
from messaging.keystore import Device
from messaging.models import User


@transaction.atomic
def register(
    *, owner: User, label: str, jwk: Mapping[str, Any] | None = None, spki: str | None = None
) -> dict[str, Any]:
    """A new device of *owner*'s with its challenge, by its public key as a JWK or as SPKI.

    Raises Invalid for any key but a public RSA one of 4096 bits, and Conflict for one that was
    registered before or where *owner* has ten devices.
    """
    if (jwk is None) == (spki is None):
        raise Invalid("Exactly one of jwk and spki.", pointer="/jwk")
    _lock(owner)
    try:
        device, challenge = keystore.register(owner, label=label, jwk=jwk, spki=spki)
    except Invalid as error:
        pointer = "/spki" if jwk is None else "/jwk"
        raise Invalid(error.detail, pointer=pointer) from error
    _record(owner, device, "key-device.registered", thumbprint=device.thumbprint)
    expires = timestamp(device.challenge_expires_at)
    return view(device) | {"challenge": {"jwe": challenge, "expiresAt": expires}}


@transaction.atomic
def activate(*, owner: User, device_id: UUID, nonce: str) -> dict[str, Any]:
    """The device of *owner*'s, active, since it knows the *nonce* of its challenge.

    Raises NotFound for another's, and Invalid for a wrong answer or one that comes too late. The same
    answer twice changes nothing.
    """
    _lock(owner)
    device = keystore.device_of(owner, device_id)
    if keystore.activate(device, nonce):
        _record(owner, device, "key-device.activated", thumbprint=device.thumbprint)
    return view(device)


@transaction.atomic
def revoke(*, owner: User, device_id: UUID) -> None:
    """Give a device of *owner*'s no key again; those that it was given seal no more.

    Raises NotFound for another's, and for one that was revoked before.
    """
    _lock(owner)
    device = keystore.device_of(owner, device_id)
    retired = keystore.revoke(device)
    _record(owner, device, "key-device.revoked", keys=retired)


def list_of(owner: User) -> list[dict[str, Any]]:
    """The devices of *owner* that are active or may still become so, the oldest first."""
    return [view(device) for device in keystore.devices_of(owner)]


def view(device: Device) -> dict[str, Any]:
    """A device as its owner sees it."""
    active = device.activated_at
    return {
        "id": device.pk,
        "label": device.label,
        "state": device.state,
        "thumbprint": device.thumbprint,
        "createdAt": timestamp(device.created_at),
        "activatedAt": timestamp(active) if active else None,
    }


def _lock(owner: User) -> None:
    """Let *owner* change one device at a time: two at once could pass the limit."""
    User.objects.select_for_update(no_key=True).get(pk=owner.pk)


def _record(owner: User, device: Device, action: str, **facts: object) -> None:
    audit.record(
        tenant_id=owner.tenant_id,
        actor_id=owner.pk,
        action=action,
        target_type="key-device",
        target_id=device.pk,
        **facts,
    )
