"""What requests about keys may say, and what their answers look like."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from messaging.api.fields import Id, Text
from messaging.api.serializers import Shape, Strict
from messaging.api.shapes import listed

LABEL, NONCE, SPKI = 100, 43, 2048  # characters
KEY_ID = r"^[A-Za-z0-9_-]{43}$"
JWK = {
    "type": "object",
    "description": "A public RSA key of 4096 bits with e = AQAB (RFC 7517). A member of a private "
    "key, or one that no RSA key has, is refused.",
    "required": ["kty", "n", "e"],
    "properties": {
        "kty": {"type": "string", "enum": ["RSA"]},
        "n": {"type": "string", "pattern": "^[A-Za-z0-9_-]{683}$"},
        "e": {"type": "string", "enum": ["AQAB"]},
        "alg": {"type": "string", "enum": ["RSA-OAEP-256"]},
        "use": {"type": "string", "enum": ["enc"]},
        "key_ops": {"type": "array", "items": {"type": "string", "enum": ["encrypt", "wrapKey"]}},
        "ext": {"type": "boolean"},
        "kid": {"type": "string"},
    },
    "additionalProperties": False,
}


@extend_schema_field(JWK)
class Jwk(serializers.DictField):
    """A JWK as its client's WebCrypto exports it; which one is good, crypto_core says."""

    def to_internal_value(self, data: object) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("not_a_dict", input_type=type(data).__name__)
        return data


class RegisterKeyDevice(Strict):
    label = Text(max_length=LABEL)  # type: ignore[assignment]
    jwk = Jwk(required=False)
    spki = Text(
        max_length=SPKI,
        required=False,
        help_text="The same as SubjectPublicKeyInfo: PEM, or base64 of the DER. One of the two.",
    )


class ActivateKeyDevice(Strict):
    nonce = Text(
        max_length=NONCE, help_text="What the challenge holds: 32 bytes, base64url, no padding."
    )


class SessionKeyQuery(Strict):
    key_id = serializers.RegexField(KEY_ID, help_text="`keyId` of a message's encryption.")
    device_id = Id()


class KeyDevice(Shape):
    id = serializers.UUIDField()
    label = serializers.CharField()  # type: ignore[assignment]
    state = serializers.CharField(help_text="`pending` or `active`.")
    thumbprint = serializers.CharField(help_text="RFC 7638.")
    created_at = serializers.DateTimeField()
    activated_at = serializers.DateTimeField(allow_null=True)


class KeyChallenge(Shape):
    jwe = serializers.CharField(help_text="Compact JWE of 32 random bytes.")
    expires_at = serializers.DateTimeField()


class RegisteredKeyDevice(KeyDevice):
    challenge = KeyChallenge()


class SessionKey(Shape):
    conversation_id = serializers.UUIDField()
    key_id = serializers.CharField()
    device_id = serializers.UUIDField()
    jwe = serializers.CharField(help_text="Compact JWE of the key as a JWK.")


class RotatedKey(Shape):
    conversation_id = serializers.UUIDField()
    key_id = serializers.CharField(help_text="Of the key that seals from now on.")


KeyDeviceList = listed(KeyDevice)
