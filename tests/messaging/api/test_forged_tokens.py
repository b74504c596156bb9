"""Tokens that are not ours, not for this use or not valid now open nothing."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import jwt
import pytest
import time_machine
from django.test import override_settings
from django.utils import timezone

from messaging.encryption import token_keys
from messaging.errors import TokenExpired, Unauthenticated
from messaging.models import Session, User
from messaging.services import accounts, identities, tokens
from messaging.services.accounts import Tokens

Forge = Callable[..., str]


@pytest.fixture
def pair(alice: User) -> Tokens:
    return accounts.open_session(user=alice)


@pytest.fixture
def forge(pair: Tokens) -> Forge:
    """Makes a token like alice's with other claims, other headers or another key."""

    def make(
        headers: dict[str, Any] | None = None,
        key: Any = None,
        without: tuple[str, ...] = (),
        **claims: Any,
    ) -> str:
        payload = jwt.decode(pair.access, options={"verify_signature": False}) | claims
        payload = {name: value for name, value in payload.items() if name not in without}
        ours = token_keys()[0]
        return jwt.encode(
            payload, key or ours.private, "EdDSA", headers={"kid": ours.kid} | (headers or {})
        )

    return make


def unsigned(header: dict[str, Any], token: str, secret: bytes | None = None) -> str:
    """The claims of *token* under another header, with an HMAC under *secret* or no signature."""
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    signed = f"{head}.{token.split('.')[1]}"
    mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest() if secret else b""
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def test_clocks_may_differ_by_a_minute_and_no_more(forge: Forge) -> None:
    now = int(time.time())

    assert accounts.authenticate(forge(exp=now - 55))
    assert accounts.authenticate(forge(nbf=now + 55, iat=now + 55))
    with pytest.raises(TokenExpired):
        accounts.authenticate(forge(exp=now - 61))
    with pytest.raises(Unauthenticated):
        accounts.authenticate(forge(nbf=now + 65))


def test_a_token_seen_before_expires_all_the_same(forge: Forge) -> None:
    token = forge(exp=int(time.time()) - 50)
    accounts.authenticate(token)

    with time_machine.travel(time.time() + 15), pytest.raises(TokenExpired):
        accounts.authenticate(token)


@pytest.mark.parametrize("claim", tokens.CLAIMS)
def test_a_token_without_a_claim_is_refused(forge: Forge, claim: str) -> None:
    with pytest.raises(Unauthenticated):
        accounts.authenticate(forge(without=(claim,)))


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "refresh"},
        {"aud": ["access", "refresh"]},
        {"aud": "somebody else"},
        {"iss": "somebody else"},
        {"sub": "not a uuid"},
        {"sub": 1},
        {"sid": None},
        {"sid": str(uuid4())},
        {"sub": str(uuid4())},
        {"tid": str(uuid4())},
        {"tid": ["x"]},
        {"ver": 2},
        {"ver": "two"},
        {"exp": "tomorrow"},
        {"exp": 10**30},
    ],
    ids=str,
)
def test_a_claim_of_another_value_is_refused(forge: Forge, claims: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        accounts.authenticate(forge(**claims))


@pytest.mark.parametrize(
    "kid",
    [
        "",
        "other",
        "../../etc/passwd",
        "/dev/null",
        "' OR 1=1 --",
        "http://evil.example/key",
        "a" * 900,
    ],
)
def test_a_key_that_is_not_ours_is_refused(forge: Forge, kid: str) -> None:
    with pytest.raises(Unauthenticated):
        accounts.authenticate(forge(headers={"kid": kid}))


def test_a_key_that_the_token_brings_along_is_not_used(forge: Forge) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    theirs = Ed25519PrivateKey.generate()
    public = jwt.algorithms.OKPAlgorithm.to_jwk(theirs.public_key(), as_dict=True)

    with pytest.raises(Unauthenticated):
        accounts.authenticate(forge(key=theirs))
    with pytest.raises(Unauthenticated):
        accounts.authenticate(forge(key=theirs, headers={"jwk": public}))
    with pytest.raises(Unauthenticated):
        accounts.authenticate(forge(key=theirs, headers={"jku": "https://evil.example/jwks"}))


def test_another_algorithm_is_refused(pair: Tokens) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    ours = token_keys()[0]
    public = ours.public
    secrets = [
        public.public_bytes(Encoding.Raw, PublicFormat.Raw),
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    ]
    forged = [
        unsigned({"alg": alg, "kid": ours.kid, "typ": "JWT"}, pair.access)
        for alg in ("none", "None", "NONE", "", "EdDSA")
    ]
    forged += [
        unsigned({"alg": "HS256", "kid": ours.kid, "typ": "JWT"}, pair.access, secret)
        for secret in secrets
    ]

    for token in forged:
        with pytest.raises(Unauthenticated):
            accounts.authenticate(token)


@pytest.mark.parametrize(
    "token",
    ["", "a", "a.b", "a.b.c", "a.b.c.d", "....", "\udcff.a.b", "é.é.é", "null", "A" * 100_000],
    ids=lambda token: ascii(token[:12]),
)
def test_what_is_no_token_at_all_is_refused(db: None, token: str) -> None:
    with pytest.raises(Unauthenticated):
        accounts.authenticate(token)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_changed_character_anywhere_is_refused(pair: Tokens, part: int) -> None:
    parts = pair.access.split(".")
    middle = len(parts[part]) // 2
    other = "A" if parts[part][middle] != "A" else "B"
    parts[part] = parts[part][:middle] + other + parts[part][middle + 1 :]

    with pytest.raises(Unauthenticated):
        accounts.authenticate(".".join(parts))


def test_a_retired_key_still_opens_and_no_longer_signs(pair: Tokens, alice: User) -> None:
    from django.conf import settings

    fresh = base64.b64encode(b"n" * 32).decode()
    with override_settings(JWT_SEEDS=f"{fresh},{settings.JWT_SEEDS}"):
        getattr(token_keys, "cache_clear", lambda: None)()
        assert accounts.authenticate(pair.access)
        signed = accounts.open_session(user=alice).access
        with_new = jwt.get_unverified_header(signed)["kid"]
    with override_settings(JWT_SEEDS=fresh):
        getattr(token_keys, "cache_clear", lambda: None)()
        identities.forget_all()
        with pytest.raises(Unauthenticated):
            accounts.authenticate(pair.access)
    getattr(token_keys, "cache_clear", lambda: None)()

    assert with_new != jwt.get_unverified_header(pair.access)["kid"]


def test_a_revoked_session_ends_its_tokens(alice: User, pair: Tokens) -> None:
    accounts.authenticate(pair.access)

    Session.objects.filter(pk=pair.session_id).update(revoked_at=timezone.now())
    identities.forget(pair.session_id)

    with pytest.raises(Unauthenticated):
        accounts.authenticate(pair.access)


def test_mallory_cannot_use_her_signature_for_alices_session(
    mallory: User, pair: Tokens, forge: Forge
) -> None:
    with pytest.raises(Unauthenticated):
        accounts.authenticate(forge(sub=str(mallory.pk), tid=str(mallory.tenant_id)))
