"""Firebase Cloud Messaging, HTTP v1: a service account's JWT for an access token, that for a message.

Firebase has no idempotency key: a message that comes twice has the same tag and shows once.
"""

import json
import time
from collections.abc import Mapping
from functools import lru_cache
from threading import Lock
from typing import Any

import jwt
from django.conf import settings

from messaging.notifications.channel import ChannelError, Uncertain
from messaging.notifications.providers.codes import Fate, refusal
from messaging.notifications.providers.http import Answer, Unanswered, Unsent, post
from messaging.notifications.providers.push import LIFETIME, Push

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
FIELDS = ("project_id", "client_email", "private_key", "private_key_id", "token_uri")
MARGIN = 60  # seconds before its end from which a token is not used
PRIORITIES = ("HIGH", "HIGH", "HIGH", "NORMAL")  # CRITICAL, HIGH, NORMAL, LOW

# https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode
CODES: Mapping[str, Fate] = {
    "UNREGISTERED": Fate.GONE,
    "INVALID_REGISTRATION": Fate.GONE,  # our name for INVALID_ARGUMENT that is about the token
    "INVALID_ARGUMENT": Fate.PERMANENT,
    "SENDER_ID_MISMATCH": Fate.PERMANENT,  # not GONE: a wrong account must not unregister everybody
    "THIRD_PARTY_AUTH_ERROR": Fate.TRANSIENT,
    "QUOTA_EXCEEDED": Fate.THROTTLED,
    "UNAVAILABLE": Fate.TRANSIENT,
    "INTERNAL": Fate.UNKNOWN,
    "UNSPECIFIED_ERROR": Fate.UNKNOWN,
    "UNAUTHENTICATED": Fate.TRANSIENT,
    "PERMISSION_DENIED": Fate.TRANSIENT,
    "NOT_FOUND": Fate.PERMANENT,
    # RFC 6749, 5.2, of the token's endpoint: whoever runs this can put it right
    "invalid_grant": Fate.TRANSIENT,
    "invalid_client": Fate.TRANSIENT,
    "invalid_scope": Fate.TRANSIENT,
}

_tokens: dict[str, tuple[str, float]] = {}  # by service account: the token, until when
_renewing = Lock()


def configured() -> bool:
    """Whether there is an account to send with."""
    return bool(settings.FCM["account"])


@lru_cache(maxsize=4)
def account(text: str) -> dict[str, str]:
    """The service account that *text* is the JSON of. Raises ValueError with what is wrong with it."""
    try:
        found = json.loads(text)
    except ValueError:
        raise ValueError("is no JSON") from None
    missing = [name for name in FIELDS if not isinstance(found, dict) or not found.get(name)]
    if missing:
        raise ValueError(f"lacks {', '.join(missing)}")
    try:
        jwt.encode({}, found["private_key"], "RS256")
    except Exception:
        raise ValueError("has a private_key that is none of RSA") from None
    return {name: str(found[name]) for name in FIELDS}


def send(token: str, push: Push, *, until: float) -> str:
    """Have *push* shown on the device with *token*; the name that Firebase gives the message."""
    owner = account(settings.FCM["account"])
    answer = _send(owner, token, push, until)
    if answer.status == 401:  # the access token was revoked before its time
        _tokens.pop(owner["client_email"], None)
        answer = _send(owner, token, push, until)
    if answer.status != 200:
        raise refusal("fcm", answer, _code(answer), CODES)
    return str(answer.body.get("name", ""))[:200]


def _send(owner: Mapping[str, str], token: str, push: Push, until: float) -> Answer:
    message = {
        "token": token,
        "notification": {"title": push.title, "body": push.body},
        "data": {"id": str(push.opaque_id)},
        "android": {
            "priority": PRIORITIES[push.priority],
            "ttl": f"{LIFETIME}s",
            "collapse_key": push.collapse,
            "notification": {"tag": push.collapse},
        },
    }
    headers = {"Authorization": f"Bearer {_access_token(owner, until)}"}
    url = f"{settings.FCM['url']}/v1/projects/{owner['project_id']}/messages:send"
    try:
        return post(url, json={"message": message}, headers=headers, until=until)
    except Unsent as error:
        raise ChannelError(code="fcm-unreachable") from error
    except Unanswered as error:
        raise Uncertain(code="fcm-unanswered") from error


def _access_token(owner: Mapping[str, str], until: float) -> str:
    """A token that is valid for the next minute at least; one thread fetches it for all."""
    with _renewing:
        token, end = _tokens.get(owner["client_email"], ("", 0.0))
        if end - MARGIN <= time.time():
            token, end = _fetch(owner, until)
            _tokens[owner["client_email"]] = token, end
        return token


def _fetch(owner: Mapping[str, str], until: float) -> tuple[str, float]:
    now = int(time.time())
    claims = {
        "iss": owner["client_email"],
        "scope": SCOPE,
        "aud": owner["token_uri"],
        "iat": now,
        "exp": now + 3600,
    }
    headers = {"kid": owner["private_key_id"]}
    assertion = jwt.encode(claims, owner["private_key"], "RS256", headers=headers)
    form = {"grant_type": GRANT, "assertion": assertion}
    try:
        answer = post(owner["token_uri"], data=form, until=until)
    except (Unsent, Unanswered) as error:  # a token that nobody uses harms nobody
        raise ChannelError(code="fcm-unreachable") from error
    token, seconds = answer.body.get("access_token"), answer.body.get("expires_in", 0)
    if answer.status != 200 or not isinstance(token, str) or not isinstance(seconds, int):
        raise _without_token(answer)
    return token, now + seconds


def _without_token(answer: Answer) -> Exception:
    """Nothing has been sent yet, whatever the token's endpoint says."""
    error = refusal("fcm", answer, str(answer.body.get("error", "")), CODES)
    return ChannelError(code=error.code) if isinstance(error, Uncertain) else error


def _code(answer: Answer) -> str:
    error: Any = answer.body.get("error")
    if not isinstance(error, dict):
        return ""
    details = [one for one in error.get("details") or () if isinstance(one, dict)]
    own = [str(one["errorCode"]) for one in details if "errorCode" in one]
    code = own[0] if own else str(error.get("status", ""))
    # About the message's form there is a BadRequest beside it, about the token there is none.
    about_form = any("fieldViolations" in one for one in details)
    return "INVALID_REGISTRATION" if own == ["INVALID_ARGUMENT"] and not about_form else code
