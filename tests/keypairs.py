"""RSA key pairs of devices: slow to make and to read, so each is made once a run."""

from functools import cache

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from joserfc.jwk import RSAKey

PUBLIC = ("kty", "n", "e")


@cache
def pair(name: str = "one") -> RSAPrivateKey:
    """The key pair of the device *name*."""
    return generate_private_key(65537, 4096)


@cache
def private(name: str = "one") -> RSAKey:
    """The private half as JOSE has it."""
    key = RSAKey.import_key(pem(name))
    key.private_key  # noqa: B018  # is read and checked when first used
    return key


def public(name: str = "one") -> dict[str, str]:
    """The public JWK, its numbers only."""
    found = private(name).as_dict(private=False)
    return {member: str(found[member]) for member in PUBLIC}


def pem(name: str = "one") -> str:
    """The private half as PEM."""
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pair(name).private_bytes(*form).decode()


def spki(name: str = "one", encoding: Encoding = Encoding.PEM) -> bytes:
    """The public half as a SubjectPublicKeyInfo."""
    return pair(name).public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
