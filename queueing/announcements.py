"""Telling people of an incident: by email, and by a POST to one address. Facts and codes only."""

import logging
from collections.abc import Callable, Mapping
from smtplib import SMTPException
from typing import Any
from urllib.parse import urlsplit

import httpx2
from django.conf import settings
from django.core.mail import EmailMessage

from queueing.models import AlertIncident
from queueing.moments import rfc3339

# Their lines hold the address, which may be a secret.
for name in ("httpx2", "httpcore2"):
    logging.getLogger(name).setLevel(logging.WARNING)

SECONDS = 5.0  # for each part of a POST
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
OPENED, RESOLVED = "opened", "resolved"

log = logging.getLogger(__name__)


class Untold(Exception):
    """It did not get through; the text is a code."""


def may_be_told(url: str) -> bool:
    """Whether *url* is https, or on this machine."""
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in LOOPBACK
    return local or (parts.scheme == "https" and bool(parts.hostname))


def ways() -> Mapping[str, Callable[[AlertIncident, str], None]]:
    """The ways that are set up, by name."""
    found = {}
    if settings.ALERT_EMAILS:
        found["email"] = send_email
    if settings.ALERT_URL:
        found["url"] = post
    return found


def send_email(incident: AlertIncident, event: str) -> None:
    """Mail *event* to all of ALERT_EMAILS."""
    mail = EmailMessage(
        subject=f"[{settings.APP_NAME}] {incident.rule} {event}: {incident.queue}",
        body=f"{in_words(incident, event)}\n\n{settings.PUBLIC_URL}\n",
        to=settings.ALERT_EMAILS,
        headers={"Message-ID": f"<{incident.pk}.{event}@waxwing>"},
    )
    try:
        mail.send()
    except (SMTPException, OSError) as error:
        raise Untold(type(error).__name__) from None


def post(incident: AlertIncident, event: str) -> None:
    """POST *event* as JSON to ALERT_URL; only a 2xx counts as told."""
    if not may_be_told(settings.ALERT_URL):
        raise Untold("address-not-allowed")
    try:
        with (
            httpx2.Client(timeout=SECONDS, follow_redirects=False) as client,
            client.stream("POST", settings.ALERT_URL, json=body_of(incident, event)) as answer,
        ):
            status = answer.status_code
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Untold(type(error).__name__) from None
    if not 200 <= status < 300:
        raise Untold(f"status-{status}")


def body_of(incident: AlertIncident, event: str) -> dict[str, Any]:
    """What is POSTed; `id` is the same where one event comes twice, `text` is for chat rooms."""
    return {
        "id": f"{incident.pk}.{event}",
        "event": event,
        "rule": incident.rule,
        "queue": incident.queue,
        "openedAt": rfc3339(incident.opened_at),
        "resolvedAt": rfc3339(incident.resolved_at) if event == RESOLVED else None,
        "facts": incident.facts,
        "text": in_words(incident, event),
    }


def in_words(incident: AlertIncident, event: str) -> str:
    """*event* as a line for people."""
    facts = " ".join(f"{name}={value}" for name, value in sorted(incident.facts.items()))
    return (
        f"{incident.rule} {event} in {incident.queue}: {facts}"
        f" (docs/operate.md#{incident.rule.lower()})"
    )
