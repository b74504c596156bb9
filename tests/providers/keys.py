"""Keys and certificates of providers that exist in tests only, made once a run."""

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def pem(key: Private) -> str:
    """*key* as PKCS #8, as Google and Apple hand theirs out."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def public(text: str) -> str:
    """The public half of a private PEM."""
    key = serialization.load_pem_private_key(text.encode(), None)
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


@cache
def rsa_key(name: str = "") -> str:
    """An RSA key; another *name*, another key."""
    return pem(rsa.generate_private_key(65537, 2048))


@cache
def ec_key(name: str = "") -> str:
    """A P-256 key; another *name*, another key."""
    return pem(ec.generate_private_key(ec.SECP256R1()))


@cache
def certificate() -> tuple[str, str]:
    """A certificate for 127.0.0.1 that only PROVIDER_CA makes trusted, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "apns.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=3650))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode(), pem(key)


def service_account(url: str, **fields: str) -> str:
    """The JSON of a service account whose tokens come from *url*."""
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "clinic-app",
            "client_email": "push@clinic-app.iam.example",
            "private_key": rsa_key(),
            "private_key_id": "rsa-1",
            "token_uri": f"{url}/token",
        }
        | fields
    )
