"""A session key on its way to a device: as a JWK (RFC 7517, 7) that only the device can open."""

import json

from crypto_core.cache import Key
from crypto_core.jose import DeviceKey, encrypt_to
from crypto_core.models import Device
from crypto_core.suite import b64

TYPE = "session-key+jwe"


def release(key: Key, device: Device) -> str:
    """The JWE of *key* for *device*; its `kid` inside is the key's id, which commits to the key."""
    jwk = {"kty": "oct", "kid": key.id, "use": "enc", "k": b64(key.material)}
    payload = json.dumps(jwk, separators=(",", ":")).encode()
    to = DeviceKey(device.jwk)
    return encrypt_to(to, payload, kid=str(device.pk), typ=TYPE, cty="jwk+json")
