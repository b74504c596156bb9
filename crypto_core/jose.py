"""The keys that sign the API's tokens: Ed25519, from seeds in the settings (RFC 8037, RFC 7638)."""

import base64
import binascii
import hashlib
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from crypto_core.errors import SeedsInvalid
from crypto_core.suite import b64

SEED_BYTES = 32


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key pair for `alg: EdDSA`, and the thumbprint that names it in a token's header."""

    kid: str
    private: Ed25519PrivateKey = field(repr=False)
    public: Ed25519PublicKey


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
    x = b64(public.public_bytes_raw())
    return b64(hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest())


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
