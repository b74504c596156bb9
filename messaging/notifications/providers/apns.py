"""Apple Push Notification service: HTTP/2, with a provider token that is renewed within the hour.

The apns-id is the notification's opaque id at every try, and the collapse id too: what comes twice
shows once.
"""

import json
import time
from collections.abc import Mapping
from threading import Lock
from typing import Any
from urllib.parse import quote

import jwt
from django.conf import settings

from messaging.notifications.channel import ChannelError, Uncertain
from messaging.notifications.providers.codes import Fate, refusal
from messaging.notifications.providers.http import Answer, Unanswered, Unsent, post
from messaging.notifications.providers.push import LIFETIME, Push

NEEDED = ("key", "key_id", "team_id", "topic")
RENEW = 50 * 60  # seconds: Apple refuses a token after 60 minutes, and a new one before 20
PRIORITIES = ("10", "10", "10", "5")  # CRITICAL, HIGH, NORMAL, LOW
LEVELS = ("time-sensitive", "time-sensitive", "active", "passive")

# https://developer.apple.com/documentation/usernotifications/handling-notification-responses-from-apns
CODES: Mapping[str, Fate] = {
    "BadDeviceToken": Fate.GONE,
    "Unregistered": Fate.GONE,
    "ExpiredToken": Fate.GONE,
    "DeviceTokenNotForTopic": Fate.PERMANENT,  # not GONE: a wrong topic must not unregister everybody
    "ExpiredProviderToken": Fate.TRANSIENT,
    "InvalidProviderToken": Fate.TRANSIENT,
    "MissingProviderToken": Fate.TRANSIENT,
    "Forbidden": Fate.TRANSIENT,
    "TopicDisallowed": Fate.PERMANENT,
    "BadTopic": Fate.PERMANENT,
    "MissingTopic": Fate.PERMANENT,
    "BadPath": Fate.PERMANENT,
    "PayloadTooLarge": Fate.PERMANENT,
    "TooManyRequests": Fate.THROTTLED,
    "TooManyProviderTokenUpdates": Fate.THROTTLED,
    "InternalServerError": Fate.UNKNOWN,
    "ServiceUnavailable": Fate.TRANSIENT,
    "Shutdown": Fate.TRANSIENT,
    "IdleTimeout": Fate.TRANSIENT,
}

_tokens: dict[str, tuple[str, float]] = {}  # by key: the provider token, since when
_renewing = Lock()


def configured() -> bool:
    """Whether there is a key to send with."""
    return all(settings.APNS[name] for name in NEEDED)


def send(token: str, push: Push, *, until: float) -> str:
    """Have *push* shown on the device with *token*; its apns-id."""
    answer = _send(token, push, until)
    if answer.body.get("reason") == "ExpiredProviderToken":  # our clock is not Apple's
        _tokens.pop(settings.APNS["key"], None)
        answer = _send(token, push, until)
    if answer.status != 200:
        raise refusal("apns", answer, str(answer.body.get("reason", "")), CODES)
    return str(push.opaque_id)


def _send(token: str, push: Push, until: float) -> Answer:
    headers = {
        "authorization": f"bearer {provider_token()}",
        "apns-id": str(push.opaque_id),
        "apns-topic": settings.APNS["topic"],
        "apns-push-type": "alert",
        "apns-priority": PRIORITIES[push.priority],
        "apns-collapse-id": push.collapse,
        "apns-expiration": str(int(time.time()) + LIFETIME),
    }
    url = f"{settings.APNS['url']}/3/device/{quote(token, safe='')}"
    content = json.dumps(_payload(push), ensure_ascii=False).encode()
    try:
        return post(url, content=content, headers=headers, until=until, http2=True)
    except Unsent as error:
        raise ChannelError(code="apns-unreachable") from error
    except Unanswered as error:
        raise Uncertain(code="apns-unanswered") from error


def _payload(push: Push) -> dict[str, Any]:
    alert = {"title": push.title, "body": push.body}
    level = LEVELS[push.priority]
    return {
        "aps": {
            "alert": alert,
            "badge": push.unread,
            "sound": "default",
            "interruption-level": level,
        },
        "id": str(push.opaque_id),
    }


def provider_token() -> str:
    """The token that says who we are, the same for all threads, at most 50 minutes old."""
    key = settings.APNS["key"]
    with _renewing:
        token, since = _tokens.get(key, ("", 0.0))
        now = time.time()
        if not 0 <= now - since < RENEW:
            claims = {"iss": settings.APNS["team_id"], "iat": int(now)}
            token = jwt.encode(claims, key, "ES256", headers={"kid": settings.APNS["key_id"]})
            _tokens[key] = token, now
        return token
