"""The tokens of a session: signed with Ed25519, read with the key that their *kid* names.

An access token opens the API and the socket, a refresh token only gives the next pair; the
audience tells them apart. Written on PyJWT alone: its decode checks every claim that matters here,
so a second token library would add classes, settings and an algorithm list, and no check.
"""

import hashlib
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings

from messaging.encryption import token_keys
from messaging.errors import TokenExpired, Unauthenticated

ACCESS, REFRESH = "access", "refresh"
ALGORITHM = "EdDSA"
LEEWAY = 60  # seconds that the clocks of two hosts may differ
LONGEST = 2048  # characters; ours have about 500
ODD_CLAIMS = (ValueError, TypeError, AttributeError, OverflowError)  # of other types than ours
CLAIMS = ["iss", "aud", "exp", "nbf", "iat", "sub", "sid", "tid", "ver", "jti"]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid token says."""

    user_id: UUID
    tenant_id: UUID
    session_id: UUID
    version: int  # the user's token version when it was signed
    jti: str
    expires_at: datetime


def sign(use: str, claims: Claims) -> str:
    """The token for *use* that says *claims*."""
    now = int(time.time())
    payload: dict[str, object] = {
        "iss": settings.JWT_ISSUER,
        "aud": use,
        "iat": now,
        "nbf": now,
        "exp": int(claims.expires_at.timestamp()),
        "sub": str(claims.user_id),
        "tid": str(claims.tenant_id),
        "sid": str(claims.session_id),
        "ver": claims.version,
        "jti": claims.jti,
    }
    key = token_keys()[0]
    return jwt.encode(payload, key.private, ALGORITHM, headers={"kid": key.kid})


def read(token: str, use: str) -> Claims:
    """What *token* says; refused unless it is ours, for *use*, and valid now."""
    if len(token) > LONGEST:
        raise Unauthenticated
    try:
        kid = str(jwt.get_unverified_header(token).get("kid"))
        public = {key.kid: key.public for key in token_keys()}.get(kid)
        if public is None:
            raise Unauthenticated
        payload = jwt.decode(
            token,
            public,
            algorithms=[ALGORITHM],
            audience=use,
            issuer=settings.JWT_ISSUER,
            leeway=LEEWAY,
            options={"require": CLAIMS, "strict_aud": True},
        )
        return parse(payload)
    except jwt.ExpiredSignatureError:
        raise TokenExpired from None
    except (jwt.PyJWTError, *ODD_CLAIMS):
        raise Unauthenticated from None


def parse(payload: dict[str, Any]) -> Claims:
    """The verified *payload* as claims."""
    return Claims(
        user_id=UUID(payload["sub"]),
        tenant_id=UUID(payload["tid"]),
        session_id=UUID(payload["sid"]),
        version=int(payload["ver"]),
        jti=str(payload["jti"]),
        expires_at=datetime.fromtimestamp(payload["exp"], UTC),
    )


def new_jti() -> str:
    """An identifier that nobody can guess."""
    return secrets.token_urlsafe(24)


def digest(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
