"""The inbox over REST."""

from typing import Any
from uuid import uuid4

import pytest

from messaging.models import Tenant, User
from messaging.services import identities
from queueing.testing import work_all
from tests.messaging.api.calls import V1
from tests.messaging.api.conftest import Client

INBOX = f"{V1}/notifications"


@pytest.fixture
def sent(client: Client, alice: User, bob: User) -> list[dict[str, Any]]:
    """Three messages from alice of which bob has been told."""
    body = {"recipientId": str(bob.pk), "content": "a secret of the patient"}
    answers = [
        client(alice).post(f"{V1}/messages/direct", body, format="json").json() for _ in range(3)
    ]
    work_all()
    return [answer["message"] for answer in answers]


@pytest.mark.req("S92")
def test_one_is_told_of_every_message_and_not_what_it_says(
    client: Client, bob: User, sent: list[dict[str, Any]]
) -> None:
    answer = client(bob).get(INBOX)

    rows = answer.json()["data"]
    assert {row["messageId"] for row in rows} == {message["id"] for message in sent}
    assert b"secret" not in answer.content
    assert {(row["type"], row["title"], row["message"]) for row in rows} == {
        ("IN_APP", "New message", "You have a new message.")
    }


def test_the_inbox_names_the_sender_where_the_tenant_lets_it(
    client: Client, clinic: Tenant, bob: User, sent: list[dict[str, Any]]
) -> None:
    Tenant.objects.filter(pk=clinic.pk).update(preview=Tenant.Preview.SENDER)
    identities.forget_all()

    rows = client(bob).get(INBOX).json()["data"]

    assert {row["message"] for row in rows} == {"You have a new message from Alice."}


def test_the_inbox_comes_a_page_at_a_time(
    client: Client, bob: User, sent: list[dict[str, Any]]
) -> None:
    first = client(bob).get(f"{INBOX}?limit=2").json()
    rest = client(bob).get(f"{INBOX}?limit=2&cursor={first['nextCursor']}").json()

    assert (len(first["data"]), len(rest["data"])) == (2, 1)
    assert (first["hasMore"], rest["hasMore"]) == (True, False)


def test_a_notification_is_read_once_and_for_all(
    client: Client, bob: User, sent: list[dict[str, Any]]
) -> None:
    his = client(bob)
    newest = his.get(INBOX).json()["data"][0]

    assert newest["readAt"] is None
    assert his.post(f"{INBOX}/{newest['id']}/read").status_code == 204
    first = his.get(INBOX).json()["data"][0]["readAt"]
    assert his.post(f"{INBOX}/{newest['id']}/read").status_code == 204
    assert his.get(INBOX).json()["data"][0]["readAt"] == first


def test_who_did_not_want_to_be_told_of_a_message_is_not(
    client: Client, alice: User, bob: User
) -> None:
    body = {"recipientId": str(bob.pk), "content": "Hello", "notify": False}
    client(alice).post(f"{V1}/messages/direct", body, format="json")
    work_all()

    assert client(bob).get(INBOX).json()["data"] == []


def test_the_sender_is_not_told(client: Client, alice: User, sent: list[dict[str, Any]]) -> None:
    assert client(alice).get(INBOX).json()["data"] == []


def test_mallory_and_eve_see_nothing_and_mark_nothing(
    client: Client, bob: User, mallory: User, eve: User, sent: list[dict[str, Any]]
) -> None:
    his = client(bob).get(INBOX).json()["data"][0]["id"]

    for stranger in (mallory, eve):
        assert client(stranger).get(INBOX).json()["data"] == []
        assert client(stranger).post(f"{INBOX}/{his}/read").status_code == 404
    assert client(bob).post(f"{INBOX}/{uuid4()}/read").status_code == 404
    assert client(bob).get(INBOX).json()["data"][0]["readAt"] is None


def test_nobody_gets_401(client: Client, db: None) -> None:
    assert client().get(INBOX).status_code == 401
