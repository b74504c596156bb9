"""Errors to Sentry, for whoever sets SENTRY_DSN: types, codes, places and ids, nothing else.

The package is an extra that nothing depends on. What it would send is not cut down but made anew from
what may leave, so that a later version of it cannot send more.
"""

import re
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from queueing import context

PACKAGE = "sentry_sdk"
PLACE = ("filename", "function", "lineno", "module")
CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}", re.ASCII)
KEPT = ("event_id", "timestamp", "level", "platform", "logger", "release", "environment")


def is_there() -> bool:
    """Whether the package is installed."""
    return find_spec(PACKAGE) is not None


def start(dsn: str, version: str, **options: Any) -> bool:
    """Send errors to *dsn* from now on; False where there is none, or no package."""
    if not dsn or not is_there():
        return False
    import_module(PACKAGE).init(
        dsn=dsn,
        release=version,
        before_send=before_send,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        traces_sample_rate=None,
        trace_propagation_targets=[],  # providers are told nothing of us
        auto_session_tracking=False,
        send_client_reports=False,
        **options,
    )
    return True


def before_send(event: Mapping[str, Any], hint: Mapping[str, Any]) -> dict[str, Any] | None:
    """What may leave of *event*: no texts, no request, no variables, no host."""
    errors = [error_of(each) for each in (event.get("exception") or {}).get("values") or ()]
    caught = (hint.get("exc_info") or (None, None, None))[1]
    if errors:
        errors[-1]["value"] = code_of(getattr(caught, "code", ""))
    sent = {name: event[name] for name in KEPT if event.get(name) is not None}
    if errors:
        sent["exception"] = {"values": errors}
    else:
        code = code_of((event.get("extra") or {}).get("code")) or "An error"
        sent["message"] = f"{code} in {event.get('logger') or 'an unnamed place'}"
    return sent | {"tags": context.current()}


def error_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """The type of an exception and the places it went through."""
    frames = (said.get("stacktrace") or {}).get("frames") or ()
    places = [{name: frame[name] for name in PLACE if name in frame} for frame in frames]
    return {
        "type": said.get("type"),
        "module": said.get("module"),
        "value": "",
        "stacktrace": {"frames": places},
    }


def code_of(said: object) -> str:
    """*said* where it is a code; else nothing."""
    return said if isinstance(said, str) and CODE.fullmatch(said) else ""
