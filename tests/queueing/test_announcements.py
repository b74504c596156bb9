"""An incident is told once by every way, and once again when it is over."""

from smtplib import SMTPServerDisconnected
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMessage

from queueing import alerts
from queueing.announcements import Untold, may_be_told, post
from queueing.ids import uuid7
from queueing.lanes import Identity
from queueing.models import AlertIncident
from queueing.postgres import execute
from queueing.queues import DELIVERY, INDEXING, QUEUES
from tests.queueing.incidents import Receiver, look, pass_by, waiting

pytestmark = [pytest.mark.django_db, pytest.mark.req("S127", "S129")]


@pytest.fixture(autouse=True)
def served() -> None:
    """A worker for every queue."""
    Identity(uuid7(), "all@here", 2, QUEUES).beat()


def test_an_incident_is_told_once_by_every_way_and_once_when_it_is_over(
    receiver: Receiver,
) -> None:
    waiting(DELIVERY, 31)

    assert look() == "opened=1 resolved=0 told=2"
    assert look() == "opened=0 resolved=0 told=0"
    execute("DELETE FROM jobs")
    assert look() == "opened=0 resolved=0 told=0", "it may come again at once"
    pass_by(alerts.CALM + 1)
    assert look() == "opened=0 resolved=1 told=2"
    assert look() == "opened=0 resolved=0 told=0"

    assert [body["event"] for body in receiver.bodies] == ["opened", "resolved"]
    body = receiver.bodies[0]
    assert (body["rule"], body["queue"]) == ("OldestJobTooOld", "message-delivery")
    assert body["facts"] == {"seconds": 31, "limit": 30}
    assert body["openedAt"] and body["resolvedAt"] is None and receiver.bodies[1]["resolvedAt"]
    assert [each.to for each in mail.outbox] == [["ops@clinic.example"]] * 2
    assert "OldestJobTooOld opened: message-delivery" in mail.outbox[0].subject
    assert "quetzal" not in str(receiver.bodies) + mail.outbox[0].body


@pytest.mark.parametrize("status", [500, 302, 307])
def test_what_did_not_get_through_is_tried_again_and_nothing_else(
    receiver: Receiver, status: int
) -> None:
    receiver.status = status
    waiting(DELIVERY, 31)

    assert look() == "opened=1 resolved=0 told=1"
    receiver.status = 200
    assert look() == "opened=0 resolved=0 told=1"

    assert len(receiver.bodies) == 2 and len(mail.outbox) == 1
    assert receiver.bodies[0]["id"] == receiver.bodies[1]["id"]
    assert receiver.gets == 0, "it followed"


def test_a_way_that_is_broken_stops_no_other_and_is_asked_once_a_look(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def broken(mail: EmailMessage) -> None:
        asked.append(mail)
        raise SMTPServerDisconnected("quetzal")

    monkeypatch.setattr(EmailMessage, "send", broken)
    waiting(DELIVERY, 31)
    waiting(INDEXING, 301)

    assert look() == "opened=2 resolved=0 told=2"
    assert (len(asked), len(receiver.bodies)) == (1, 2)


def test_who_is_at_it_is_left_alone_until_its_lease_is_over(receiver: Receiver) -> None:
    waiting(DELIVERY, 31)
    alerts.evaluate()
    execute("UPDATE alert_incidents SET telling_until = now() + interval '60 seconds'")
    assert alerts.tell() == 0

    execute("UPDATE alert_incidents SET telling_until = now() - interval '1 second'")
    assert alerts.tell() == 2


def test_old_news_is_not_told(receiver: Receiver) -> None:
    waiting(DELIVERY, 31)
    alerts.evaluate()
    pass_by(alerts.TELL_HOURS * 3600 + 1)

    assert alerts.tell() == 0


def test_without_anybody_to_tell_it_is_only_kept() -> None:
    waiting(DELIVERY, 31)

    assert look() == "opened=1 resolved=0 told=0"


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://chat.example/hook", True),
        ("http://127.0.0.1:8080/", True),
        ("http://[::1]/", True),
        ("http://chat.example/", False),
        ("http://127.0.0.1.chat.example/", False),
        ("http://127.0.0.1@chat.example/", False),
        ("https://", False),
        ("ftp://127.0.0.1/", False),
    ],
)
def test_only_https_and_this_machine_are_posted_to(settings: Any, url: str, may: bool) -> None:
    settings.ALERT_URL = url

    assert may_be_told(url) is may
    if not may:
        with pytest.raises(Untold, match="address-not-allowed"):
            post(AlertIncident(rule="NoWorkers", queue="q", facts={}), "opened")
