"""How logs are written: lines on standard error with ids and codes, never with content.

`line` is for eyes, `json` for machines: one object a line, with the ids of `queueing.context`. What
the text of an exception says may quote a row, so of exceptions only classes and places are written.
"""

import json
import logging
import traceback
from datetime import UTC, datetime
from logging import LogRecord
from types import TracebackType
from typing import Any

from config import env
from queueing import context

PROBE = ("Service Unavailable", "/ready")  # asked all the time; who asks knows the answer
LONGEST = 200  # characters of a text that nobody here has named
FORMATS = ("json", "line")
OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
SERVERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "_granian", "granian.access")
Caught = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def is_news(record: LogRecord) -> bool:
    """Whether it is more than a probe that was told to wait."""
    return record.args != PROBE


def without_long_extras(record: LogRecord) -> bool:
    """Drop from *record* every extra text that is long enough to be content."""
    for name in vars(record).keys() - OWN - set(context.FIELDS):
        value = getattr(record, name)
        if isinstance(value, str | bytes) and len(value) > LONGEST:
            delattr(record, name)
    return True


class Lines(logging.Formatter):
    """A line for eyes; an exception is its class and the places it went through."""

    def formatException(self, ei: Caught) -> str:
        """The places and the classes of what was caught, without their texts."""
        kind, error, _ = ei
        if kind is None or error is None:
            return ""
        places = "".join(traceback.format_tb(error.__traceback__))
        return f"{places}{' from '.join(type(each).__name__ for each in causes(error))}"


class Objects(Lines):
    """A JSON object a line."""

    def format(self, record: LogRecord) -> str:
        """*record* with what is known around it."""
        said: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
            "process": record.process,
        }
        said |= request_of(record) | context.current() | extras(record)
        if record.exc_info and record.exc_info[1]:
            error = record.exc_info[1]
            said["error"] = type(error).__name__
            said["where"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False, default=str)


def causes(error: BaseException) -> list[BaseException]:
    """*error* and what it came from, each once."""
    found: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in found:
        found.append(following)
        hidden = following.__suppress_context__
        following = following.__cause__ or (None if hidden else following.__context__)
    return found


def request_of(record: LogRecord) -> dict[str, Any]:
    """What the middleware knew of the request that Django tells of after it has gone through."""
    meta = getattr(getattr(record, "request", None), "META", None)
    known = meta.get("waxwing.context") if isinstance(meta, dict) else None
    return dict(known) if isinstance(known, dict) else {}


def extras(record: LogRecord) -> dict[str, Any]:
    """What the caller gave besides the text, as far as it is plain."""
    return {
        name: value
        for name, value in vars(record).items()
        if name not in OWN and isinstance(value, str | int | float | bool)
    }


def from_environment() -> dict[str, Any]:
    """The logging settings that the environment asks for."""
    level, cache = env.text("LOG_LEVEL", "INFO"), env.flag("CACHE_LOGGING")
    return to_stderr(level, cache=cache, form=env.choice("LOG_FORMAT", "line", FORMATS))


def to_stderr(level: str, *, cache: bool = False, form: str = "line") -> dict[str, Any]:
    """The logging settings for messages of at least *level*, with every use of a *cache* or none."""
    shared = {"handlers": [], "propagate": True}  # else they write lines of their own
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"()": Lines, "format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
            "json": {"()": Objects},
        },
        "filters": {
            "news": {"()": "django.utils.log.CallbackFilter", "callback": is_news},
            "short": {"()": "django.utils.log.CallbackFilter", "callback": without_long_extras},
        },
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": form, "filters": ["short"]}
        },
        "loggers": {
            "celery.worker.strategy": {"level": "WARNING"},  # says twice that a drain ran
            "crypto_core.cache": {"level": "DEBUG" if cache else "WARNING"},
            "django.request": {"filters": ["news"]},
            **({name: shared for name in SERVERS} if form == "json" else {}),
        },
        "root": {"handlers": ["stderr"], "level": level},
    }
