"""The environment, read in one way: text, integer, flag, list and secret.

Every value may also come from a file that `NAME_FILE` points at, as orchestrators hand out
secrets. A value of the wrong form is refused with the variable's name, never with the value.
"""

import os
from pathlib import Path
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured

TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def text(name: str, default: str = "") -> str:
    """The variable *name*, or what the file named by *name*_FILE holds, or *default*."""
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE cannot be read: {error.strerror}") from None
    return os.environ.get(name) or default  # empty is unset: compose passes on what is absent so


secret = text  # one rule for both; the name at the call says what must not be logged


def integer(name: str, default: int, *, least: int = 0) -> int:
    """The variable *name* as a whole number of at least *least*."""
    value = text(name) or str(default)
    try:
        number = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number") from None
    if number < least:
        raise ImproperlyConfigured(f"{name} must be at least {least}")
    return number


def flag(name: str, default: bool = False) -> bool:
    """The variable *name* as a yes or no."""
    value = text(name, "1" if default else "0").lower()
    if value not in TRUE | FALSE:
        raise ImproperlyConfigured(f"{name} must be one of 1, true, yes, on, 0, false, no, off")
    return value in TRUE


def choice(name: str, default: str, among: tuple[str, ...]) -> str:
    """The variable *name* as one of the words *among*."""
    value = text(name, default)
    if value not in among:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(among)}")
    return value


def words(name: str, default: str = "") -> list[str]:
    """The variable *name* as a comma-separated list without empty items."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def redis_url(host: str = "") -> str:
    """REDIS_URL, or what REDIS_HOST (else *host*) and its neighbours say; empty without a host."""
    host = text("REDIS_HOST", host)
    if text("REDIS_URL") or not host:
        return text("REDIS_URL")
    user, password = quote(text("REDIS_USERNAME", "default"), safe=""), secret("REDIS_PASSWORD")
    login = f"{user}:{quote(password, safe='')}@" if password else ""
    return f"redis://{login}{host}:{integer('REDIS_PORT', 6379)}/{integer('REDIS_DB', 0)}"
