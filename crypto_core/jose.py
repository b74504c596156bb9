"""JOSE as we speak it: the keys that sign the API's tokens, and what is encrypted to a device.

    token keys   Ed25519 from seeds in the settings (RFC 8037, RFC 7638)
    devices      compact JWE, RSA-OAEP-256 with 4096 bits and A256GCM, nothing else (RFC 7516, 7518)

A device's private half never comes here: `decrypt` is for clients written in Python, and for tests.
The libraries' own limits and choices are not ours: a header has the five names below and no other,
each part of a JWE the one length that it can have.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from crypto_core.errors import DeviceKeyInvalid, EnvelopeInvalid, MetadataInvalid, SeedsInvalid
from crypto_core.suite import IV_BYTES, TAG_BYTES, b64, unb64

SEED_BYTES = 32
ALG, ENC = "RSA-OAEP-256", "A256GCM"
RSA_BYTES = 512  # 4096 bits (S58)
EXPONENT = "AQAB"  # 65537
JWK_NAMES = {"kty", "n", "e", "alg", "use", "key_ops", "ext", "kid"}
PRIVATE_NAMES = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
OPERATIONS = {"encrypt", "wrapKey"}
HEADER_NAMES = {"alg", "enc", "kid", "typ", "cty"}
LONGEST_PAYLOAD, LONGEST_HEADER, LONGEST_SPKI = 1024, 512, 2048  # bytes, characters in base64
LONGEST_JWE = 4096  # characters


class _Registry(jwe.JWERegistry):
    """What joserfc may do; its limits count characters of base64url."""

    max_protected_header_length = LONGEST_HEADER
    max_encrypted_key_length = (RSA_BYTES * 4 + 2) // 3
    max_initialization_vector_length = (IV_BYTES * 4 + 2) // 3
    max_ciphertext_length = (LONGEST_PAYLOAD * 4 + 2) // 3
    max_auth_tag_length = (TAG_BYTES * 4 + 2) // 3


_REGISTRY = _Registry(algorithms=[ALG, ENC])


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key pair for `alg: EdDSA`, and the thumbprint that names it in a token's header."""

    kid: str
    private: Ed25519PrivateKey = field(repr=False)
    public: Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """The public half of a device's key, with nothing but its numbers in it."""

    jwk: dict[str, str]

    @property
    def thumbprint(self) -> str:
        """The JWK thumbprint (RFC 7638)."""
        return _thumbprint(self.jwk)


def token_keys(seeds: str) -> list[TokenKey]:
    """The key of each of the comma-separated *seeds*: the first signs, all verify."""
    keys = [_token_key(seed.strip()) for seed in seeds.split(",") if seed.strip()]
    if not keys:
        raise SeedsInvalid("there is none")
    if len({key.kid for key in keys}) != len(keys):
        raise SeedsInvalid("one stands there twice")
    return keys


def thumbprint(public: Ed25519PublicKey) -> str:
    """The JWK thumbprint of *public*."""
    return _thumbprint({"crv": "Ed25519", "kty": "OKP", "x": b64(public.public_bytes_raw())})


def device_key(jwk: Mapping[str, Any]) -> DeviceKey:
    """The key in *jwk*: RSA with exactly 4096 bits and e = 65537, for RSA-OAEP-256 and public."""
    if PRIVATE_NAMES & jwk.keys():
        raise DeviceKeyInvalid("it holds a private half: make a new pair, and never send that")
    if jwk.keys() - JWK_NAMES:
        raise DeviceKeyInvalid("it has members that no public RSA key has")
    if jwk.get("kty") != "RSA" or jwk.get("e") != EXPONENT:
        raise DeviceKeyInvalid("it is not an RSA key with e = 65537")
    if jwk.get("alg", ALG) != ALG or jwk.get("use", "enc") != "enc":
        raise DeviceKeyInvalid(f"it is meant for something else than {ALG}")
    operations = jwk.get("key_ops", ["encrypt"])
    names = isinstance(operations, list) and all(isinstance(one, str) for one in operations)
    if not names or not operations or not set(operations) <= OPERATIONS:
        raise DeviceKeyInvalid("its key_ops are not encrypt and wrapKey")
    return _with_modulus(jwk.get("n"))


def device_key_of_spki(text: str) -> DeviceKey:
    """The key in *text*, a SubjectPublicKeyInfo as PEM or as base64 of its DER; as `device_key`."""
    if "PRIVATE" in text:
        raise DeviceKeyInvalid("it holds a private half: make a new pair, and never send that")
    lines = [line.strip() for line in text.strip().splitlines()]
    if lines and lines[0] == "-----BEGIN PUBLIC KEY-----":
        lines = lines[1:-1] if lines[-1] == "-----END PUBLIC KEY-----" else []
    try:
        der = base64.b64decode("".join(lines), validate=True)
        public = load_der_public_key(der) if len(text) <= LONGEST_SPKI else None
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        public = None
    if not isinstance(public, RSAPublicKey):
        raise DeviceKeyInvalid("it is not a SubjectPublicKeyInfo with an RSA key")
    numbers = public.public_numbers()
    if numbers.e != 65537:
        raise DeviceKeyInvalid("it is not an RSA key with e = 65537")
    return _with_modulus(b64(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")))


def encrypt_to(
    key: DeviceKey, payload: bytes | bytearray, *, kid: str, typ: str, cty: str = ""
) -> str:
    """The compact JWE of *payload* that only the device with *key* can open; *kid* names it."""
    if len(payload) > LONGEST_PAYLOAD:
        raise EnvelopeInvalid("too long")
    header = {"alg": ALG, "enc": ENC, "kid": kid, "typ": typ} | ({"cty": cty} if cty else {})
    public = RSAKey.import_key(dict(key.jwk))
    return jwe.encrypt_compact(header, bytes(payload), public, registry=_REGISTRY)


def private_key(jwk: Mapping[str, str]) -> RSAKey:
    """The key in the private *jwk*; reading one takes longer than using it."""
    return RSAKey.import_key(dict(jwk))


def decrypt(compact: str, private: RSAKey, *, typ: str) -> bytes:
    """What *compact*, a JWE of type *typ*, holds for the device with the key *private*."""
    _check(compact, typ)
    try:
        found = jwe.decrypt_compact(compact, private, registry=_REGISTRY).plaintext
    except (JoseError, InvalidTag, ValueError, TypeError):
        raise EnvelopeInvalid("it does not open") from None
    return found or b""


def _check(compact: str, typ: str) -> None:
    """Refuse what is not, to the letter, a JWE as `encrypt_to` makes them."""
    parts = compact.split(".") if len(compact) <= LONGEST_JWE else []
    if len(parts) != 5:
        raise EnvelopeInvalid("not a compact JWE")
    try:
        header = unb64(parts[0], len(parts[0]) * 3 // 4).decode()
        names = json.loads(header, object_pairs_hook=_each_name_once)
        for part, size in ((parts[1], RSA_BYTES), (parts[2], IV_BYTES), (parts[4], TAG_BYTES)):
            unb64(part, size)
        unb64(parts[3], len(parts[3]) * 3 // 4)
    except (MetadataInvalid, ValueError, RecursionError):
        raise EnvelopeInvalid("malformed") from None
    if not isinstance(names, dict) or names.keys() - HEADER_NAMES:
        raise EnvelopeInvalid("a header that is not ours")
    if (names.get("alg"), names.get("enc"), names.get("typ")) != (ALG, ENC, typ):
        raise EnvelopeInvalid("another algorithm or type")


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _with_modulus(n: object) -> DeviceKey:
    try:
        modulus = unb64(n, RSA_BYTES)
    except MetadataInvalid:
        modulus = b"\0"
    if not modulus[0] >> 7 or not modulus[-1] & 1:
        raise DeviceKeyInvalid("its modulus has not exactly 4096 bits")
    return DeviceKey({"kty": "RSA", "n": str(n), "e": EXPONENT})


def _thumbprint(members: Mapping[str, str]) -> str:
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return b64(hashlib.sha256(canonical.encode()).digest())


def _token_key(text: str) -> TokenKey:
    try:
        seed = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        seed = b""
    if len(seed) != SEED_BYTES:
        raise SeedsInvalid("one is not the base64 of 32 bytes")
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key()
    return TokenKey(thumbprint(public), private, public)
