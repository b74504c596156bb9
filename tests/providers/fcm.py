"""Google's token endpoint and FCM HTTP v1, as far as they refuse."""

import re
import secrets
import time
from collections.abc import Mapping
from typing import Any

import jwt

from tests.providers.keys import public, rsa_key
from tests.providers.web import Reply, WebFake

PROJECT, EMAIL, KID = "clinic-app", "push@clinic-app.iam.example", "rsa-1"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
PRIORITIES = {"NORMAL", "HIGH"}


class FakeFcm(WebFake):
    """Gives access tokens for good assertions, and takes messages for known registrations."""

    def __init__(self) -> None:
        super().__init__()
        self.lifetime = 3600
        self.tokens: dict[str, float] = {}
        self.fetched = 0
        self.unregistered: set[str] = set()

    def is_message(self, path: str) -> bool:
        return path != "/token"

    def answer(self, path: str, headers: Mapping[str, str], body: dict[str, Any]) -> Reply:
        if path == "/token":
            return self.give_token(body)
        return self.take(path, headers, body.get("message") or {})

    def give_token(self, form: dict[str, str]) -> Reply:
        """RFC 7523: an access token for a signed assertion."""
        assertion = form.get("assertion", "")
        try:
            assert form.get("grant_type") == GRANT
            assert jwt.get_unverified_header(assertion).get("kid") == KID
            claims = jwt.decode(
                assertion,
                public(rsa_key()),
                algorithms=["RS256"],
                audience=f"{self.url}/token",
                issuer=EMAIL,
                options={"require": ["exp", "iat", "aud", "iss"]},
            )
            assert claims["exp"] - claims["iat"] <= 3600
            assert claims["scope"] == SCOPE
        except (jwt.PyJWTError, AssertionError, KeyError) as error:
            self.refused.append(f"assertion: {type(error).__name__}")
            return 400, {"error": "invalid_grant", "error_description": "Invalid JWT"}, {}
        token = secrets.token_urlsafe(24)
        self.tokens[token] = time.time() + self.lifetime
        self.fetched += 1
        return 200, {"access_token": token, "expires_in": self.lifetime, "token_type": "Bearer"}, {}

    def take(self, path: str, headers: Mapping[str, str], message: dict[str, Any]) -> Reply:
        """A message for a registration token."""
        bearer = headers.get("Authorization", "").removeprefix("Bearer ")
        if self.tokens.get(bearer, 0) <= time.time():
            return self.refuse(401, "UNAUTHENTICATED", None)
        if path != f"/v1/projects/{PROJECT}/messages:send":
            return self.refuse(404, "NOT_FOUND", None)
        token = message.get("token", "")
        if not re.fullmatch(r"[A-Za-z0-9_:-]{4,}", token):
            return self.refuse(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT")
        if token in self.unregistered:
            return self.refuse(404, "NOT_FOUND", "UNREGISTERED")
        data = message.get("data") or {}
        wrong = message.get("android", {}).get("priority") not in PRIORITIES
        if wrong or not all(isinstance(value, str) for value in data.values()):
            violation = {"field": "message", "description": "invalid"}
            return self.refuse(400, "INVALID_ARGUMENT", None, fieldViolations=[violation])
        self.accepted.append(message)
        return 200, {"name": f"projects/{PROJECT}/messages/{len(self.accepted)}"}, {}

    def refuse(self, status: int, name: str, code: str | None, **extra: Any) -> Reply:
        """Google's form of an error."""
        self.refused.append(code or name)
        details: list[dict[str, Any]] = [extra] if extra else []
        if code:
            kind = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
            details.append({"@type": kind, "errorCode": code})
        return status, {"error": {"code": status, "status": name, "details": details}}, {}
