"""What this thread or task is busy with: the ids that each log line carries besides its text.

Only ids and names that the server itself made, or that it has found to be well-formed.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

FIELDS = (
    "request_id",
    "trace_id",
    "job_id",
    "message_id",
    "conversation_id",
    "tenant",
    "queue",
    "attempt",
)
TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)

_known: ContextVar[dict[str, Any] | None] = ContextVar("waxwing_context", default=None)


@contextmanager
def about(**known: object) -> Iterator[dict[str, Any]]:
    """Let log lines carry *known*, besides what is known around here; all of it as it grows."""
    token = _known.set(current() | _written(known))
    try:
        yield _known.get() or {}
    finally:
        _known.reset(token)


def learn(**known: object) -> None:
    """Add *known* to what the innermost `about` says; nothing outside of one."""
    held = _known.get()
    if held is not None:
        held.update(_written(known))


def current() -> dict[str, Any]:
    """What is known here and now."""
    return dict(_known.get() or {})


def trace_of(traceparent: str) -> str:
    """The trace's id in a W3C *traceparent*; empty where it is none."""
    found = TRACEPARENT.fullmatch(traceparent)
    return found[1] if found else ""


def _written(known: Mapping[str, object]) -> dict[str, Any]:
    """What of *known* there is, as JSON has it."""
    if unknown := known.keys() - set(FIELDS):
        raise ValueError(f"no field of a log line: {', '.join(sorted(unknown))}")
    return {
        name: value if isinstance(value, int) else str(value)
        for name, value in known.items()
        if value not in (None, "")
    }
