"""Refuses unsafe settings, with an id and a hint; those of a production host with `--deploy`."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections

from config import sentry
from crypto_core.errors import SeedsInvalid
from crypto_core.jose import token_keys
from queueing.announcements import may_be_told

SECRET_LENGTH = 50
LOOPBACK = {"", "127.0.0.1", "::1", "localhost"}
VERIFIED = {"verify-ca", "verify-full"}
MAKE_ONE = "`make run` keeps one in .local/run/env; "
PRIVATE = " Or set PRIVATE_NETWORK=1 if nobody else can read the network between them."

Rule = Callable[[], str | None]  # what is wrong, as the end of a sentence
Rules = Sequence[tuple[str, str, Rule, str]]


def secret_key() -> str | None:
    key = settings.SECRET_KEY
    return None if len(key) >= SECRET_LENGTH and len(set(key)) > 5 else "is unset or too short."


def channel_key() -> str | None:
    return None if settings.CHANNEL_KEY else "is unset: events would pass through Redis readably."


def jwt_seeds() -> str | None:
    try:
        token_keys(settings.JWT_SEEDS)
    except SeedsInvalid:
        return "is unset, or holds something else than different seeds of 32 bytes."
    return None


def ws_path() -> str | None:
    return None if settings.WS_PATH.startswith("/") else "does not begin with a slash."


def alert_url() -> str | None:
    safe = not settings.ALERT_URL or may_be_told(settings.ALERT_URL)
    return None if safe else "is no https address."


def sentry_package() -> str | None:
    fits = not settings.SENTRY_DSN or sentry.is_there()
    return None if fits else "is set, and the package sentry-sdk is not installed."


def debug() -> str | None:
    return "is on: error pages show settings and local variables." if settings.DEBUG else None


def public_url() -> str | None:
    url = urlsplit(settings.PUBLIC_URL)
    if url.scheme == "https" or (url.hostname or "") in LOOPBACK:
        return None
    return "is no https address: tokens and messages would travel readably."


def hosts() -> str | None:
    return "lets every host in." if "*" in settings.ALLOWED_HOSTS else None


def origins() -> str | None:
    return "lets pages of every site open sockets." if "*" in settings.WS_CORS_ORIGINS else None


def redis_password() -> str | None:
    return None if urlsplit(settings.REDIS_URL).password else "has no password."


def redis_tls() -> str | None:
    url = urlsplit(settings.REDIS_URL)
    safe = settings.PRIVATE_NETWORK or url.scheme == "rediss" or (url.hostname or "") in LOOPBACK
    return None if safe else "is reached without TLS."


def database_tls() -> str | None:
    database: dict[str, Any] = settings.DATABASES["default"]
    host, mode = str(database["HOST"]), database["OPTIONS"].get("sslmode")
    local = host in LOOPBACK or host.startswith("/")
    safe = settings.PRIVATE_NETWORK or mode in VERIFIED or local
    return None if safe else "is reached without a verified certificate."


def email_tls() -> str | None:
    open_login = settings.EMAIL_HOST_PASSWORD and not settings.EMAIL_USE_TLS
    if open_login and settings.EMAIL_HOST not in LOOPBACK:
        return "is off, though a password is sent."
    return None


# id, variable, rule, hint
ALWAYS: Rules = (
    ("E001", "SECRET_KEY", secret_key, MAKE_ONE + "it wants 50 random characters."),
    ("E002", "CHANNEL_KEY", channel_key, MAKE_ONE + "any 32 random bytes as text."),
    ("E003", "JWT_SEEDS", jwt_seeds, MAKE_ONE + "base64 of 32 random bytes, by commas; one signs."),
    ("E004", "WS_PATH", ws_path, "For example /ws/v1."),
    ("E005", "ALERT_URL", alert_url, "Alerts are posted to https addresses, or to this machine."),
    ("E006", "SENTRY_DSN", sentry_package, "Install waxwing[sentry], or leave it unset."),
)
IN_PRODUCTION: Rules = (
    ("E101", "DEBUG", debug, "Leave it unset."),
    ("E102", "PUBLIC_URL", public_url, "Put a proxy with TLS in front and name its address."),
    ("E103", "ALLOWED_HOSTS", hosts, "Name the hosts that this is served under."),
    ("E104", "WS_CORS_ORIGINS", origins, "Name the sites whose pages may connect."),
    ("E105", "REDIS_URL", redis_password, "Set requirepass, or a user with a password."),
    ("E106", "REDIS_URL", redis_tls, "Use rediss://." + PRIVATE),
    ("E107", "DATABASE_URL", database_tls, "Add ?sslmode=verify-full." + PRIVATE),
    ("E108", "EMAIL_USE_TLS", email_tls, "Set it to 1."),
)


def _broken(rules: Rules) -> list[CheckMessage]:
    return [
        Error(f"{name} {fault}", hint=hint, id=f"config.{number}")
        for number, name, rule, hint in rules
        if (fault := rule())
    ]


@register(Tags.security)
def check_settings(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> Sequence[CheckMessage]:
    """What no process may run with."""
    return _broken(ALWAYS)


@register(Tags.security, deploy=True)
def check_production(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> Sequence[CheckMessage]:
    """What a production host may not run with."""
    return _broken(IN_PRODUCTION)


@register(Tags.database)
def check_role(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> Sequence[CheckMessage]:
    """Whether the database role is held by row-level security."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        with connections[alias].cursor() as cursor:
            cursor.execute("select rolsuper from pg_roles where rolname = current_user")
            row = cursor.fetchone()
        if row and row[0]:
            hint = "Give DATABASE_URL a role of its own: create role app login createdb …"
            found.append(Warning("The database role is a superuser.", hint=hint, id="config.W001"))
    return found
