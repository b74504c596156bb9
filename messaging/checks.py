"""Looks at the credentials of the channels: malformed ones are refused, missing ones are named."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import jwt
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, register

from messaging.models import Tenant
from messaging.notifications.providers import apns, fcm, twilio

Rule = Callable[[], str | None]  # what is wrong, as the end of a sentence

NUMBER = re.compile(r"\+[1-9][0-9]{6,14}|MG[0-9a-f]{32}|[A-Za-z0-9 ]{1,11}")


def fcm_account() -> str | None:
    if not fcm.configured():
        return None
    try:
        fcm.account(settings.FCM["account"])
    except ValueError as error:
        return f"{error}."
    return None


def apns_key() -> str | None:
    if not settings.APNS["key"]:
        return None
    try:
        jwt.encode({}, settings.APNS["key"], "ES256")
    except Exception:
        return "is no private key of P-256 in PEM."
    return None


def apns_names() -> str | None:
    given = [name for name in apns.NEEDED if settings.APNS[name]]
    if len(given) not in (0, len(apns.NEEDED)):
        missing = [f"APNS_{name.upper()}" for name in apns.NEEDED if name not in given]
        return f"is given in part: {', '.join(missing)} is unset."
    ids = [settings.APNS[name] for name in ("key_id", "team_id") if settings.APNS[name]]
    return None if all(re.fullmatch("[A-Z0-9]{10}", one) for one in ids) else "has an odd id."


def twilio_names() -> str | None:
    given = [name for name in twilio.NEEDED if settings.TWILIO[name]]
    if len(given) not in (0, len(twilio.NEEDED)):
        missing = [f"TWILIO_{name.upper()}" for name in twilio.NEEDED if name not in given]
        return f"is given in part: {', '.join(missing)} is unset."
    sid, sender = settings.TWILIO["account_sid"], settings.TWILIO["from"]
    if sid and not re.fullmatch("AC[0-9a-f]{32}", sid):
        return "has a TWILIO_ACCOUNT_SID that is none."
    return (
        None if not sender or NUMBER.fullmatch(sender) else "has a TWILIO_FROM that is no sender."
    )


def sms_policy() -> str | None:
    return None if settings.SMS_POLICY in Tenant.Sms.values else "is none that there is."


def urls() -> str | None:
    safe = ("https://", "http://127.0.0.1:", "http://localhost:")
    each = (settings.FCM["url"], settings.APNS["url"], settings.TWILIO["url"])
    return None if all(url.startswith(safe) for url in each) else "is no https address."


# id, variable, rule, hint
RULES: Sequence[tuple[str, str, Rule, str]] = (
    ("E001", "FCM_SERVICE_ACCOUNT", fcm_account, "The JSON of a key of a Google service account."),
    ("E002", "APNS_KEY", apns_key, "The .p8 as Apple hands it out, or APNS_KEY_FILE with its path."),
    ("E003", "APNS_KEY", apns_names, "Key, ids and topic go together; an id has 10 characters."),
    ("E004", "TWILIO_ACCOUNT_SID", twilio_names, "Account, token and sender go together."),
    ("E005", "SMS_POLICY", sms_policy, "One of urgent, always, off."),
    ("E006", "FCM_URL, APNS_URL or TWILIO_URL", urls, "Tokens and numbers travel there."),
)  # fmt: skip


@register()
def check_credentials(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> Sequence[CheckMessage]:
    """Credentials that can never work."""
    return [
        Error(f"{name} {fault}", hint=hint, id=f"messaging.{number}")
        for number, name, rule, hint in RULES
        if (fault := rule())
    ]


@register(deploy=True)
def name_silent_channels(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> Sequence[CheckMessage]:
    """What nobody is told by, since there are no credentials for it."""
    ways = {
        "push to Android and browsers (FCM_SERVICE_ACCOUNT)": fcm.configured(),
        "push to Apple devices (APNS_KEY)": apns.configured(),
        "SMS (TWILIO_ACCOUNT_SID)": twilio.configured(),
    }
    silent = [name for name, configured in ways.items() if not configured]
    if not silent:
        return []
    hint = "Nothing is wrong if that is meant: docs/operate.md, Channels."
    return [Info(f"Nobody is told by {'; '.join(silent)}.", hint=hint, id="messaging.I001")]
