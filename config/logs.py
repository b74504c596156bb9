"""How logs are written: lines on standard error with ids and codes, never with content."""

from logging import LogRecord
from typing import Any

PROBE = ("Service Unavailable", "/ready")  # asked all the time; who asks knows the answer


def is_news(record: LogRecord) -> bool:
    """Whether it is more than a probe that was told to wait."""
    return record.args != PROBE


def to_stderr(level: str, *, cache: bool = False) -> dict[str, Any]:
    """The logging settings for messages of at least *level*, with every use of a *cache* or none."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
        "filters": {"news": {"()": "django.utils.log.CallbackFilter", "callback": is_news}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "loggers": {
            "celery.worker.strategy": {"level": "WARNING"},  # says twice that a drain ran
            "crypto_core.cache": {"level": "DEBUG" if cache else "WARNING"},
            "django.request": {"filters": ["news"]},
        },
        "root": {"handlers": ["stderr"], "level": level},
    }
