"""Messages and their deliveries over REST: who sees what."""

import time
from datetime import datetime
from uuid import uuid4

import pytest

from messaging.models import Message, User
from queueing.testing import work_all
from tests.messaging.api.calls import GROUP, V1, direct
from tests.messaging.api.conftest import Client


@pytest.mark.req("S112")
def test_a_message_is_read_back_by_both(client: Client, alice: User, bob: User) -> None:
    where = direct(client(alice), bob, "Grüße 👋", encrypted=True, metadata={"a_b": 1})["Location"]

    for reader in (alice, bob):
        message = client(reader).get(where).json()
        assert (message["content"], message["metadata"]) == ("Grüße 👋", {"a_b": 1})
        assert message["encryption"]["algorithm"] == "AES-256-GCM"


@pytest.mark.req("S50", "S101", "S113")
@pytest.mark.parametrize("encrypted", [True, False])
def test_a_group_message_reaches_everybody_else(
    client: Client, alice: User, bob: User, carol: User, encrypted: bool
) -> None:
    people = {"participantIds": [str(bob.pk), str(carol.pk)]}
    group = client(alice).post(f"{V1}/conversations", people, format="json").json()
    body = {"conversationId": group["id"], "content": "Hello", "encrypted": encrypted}

    answer = client(alice).post(GROUP, body, format="json")
    work_all()

    rows = client(alice).get(f"{answer['Location']}/deliveries").json()["data"]
    assert answer.status_code == 202
    assert {row["recipientId"] for row in rows} == {str(bob.pk), str(carol.pk)}
    assert {row["status"] for row in rows} == {"SENT"}
    assert all(row["metadata"]["encrypted"] is encrypted for row in rows)


@pytest.mark.req("S75", "S81")
def test_a_recipient_sees_their_own_delivery_only(
    client: Client, alice: User, bob: User, carol: User
) -> None:
    people = {"participantIds": [str(bob.pk), str(carol.pk)]}
    group = client(alice).post(f"{V1}/conversations", people, format="json").json()
    body = {"conversationId": group["id"], "content": "Hello"}
    where = client(alice).post(GROUP, body, format="json")["Location"]
    work_all()

    rows = client(bob).get(f"{where}/deliveries").json()["data"]

    assert [row["recipientId"] for row in rows] == [str(bob.pk)]


def test_a_delivery_becomes_read_with_the_marker(client: Client, alice: User, bob: User) -> None:
    sent = direct(client(alice), bob).json()["message"]
    work_all()

    client(bob).put(
        f"{V1}/conversations/{sent['conversationId']}/read", {"seq": sent["seq"]}, format="json"
    )

    [row] = client(alice).get(f"{V1}/messages/{sent['id']}/deliveries").json()["data"]
    assert row["status"] == "READ" and row["readAt"]
    assert client(alice).get(f"{V1}/messages/{sent['id']}").json()["status"] == "READ"


def test_mallory_cannot_be_written_to_nor_read_a_word(
    client: Client, alice: User, bob: User, mallory: User
) -> None:
    sent = direct(client(alice), bob)
    hers = client(mallory)

    answers = [
        direct(client(alice), mallory),
        direct(hers, alice),
        hers.get(sent["Location"]),
        hers.get(f"{sent['Location']}/deliveries"),
        hers.post(
            GROUP,
            {"conversationId": sent.json()["message"]["conversationId"], "content": "Hello"},
            format="json",
        ),
    ]

    assert [answer.status_code for answer in answers] == [404] * 5
    assert Message.objects.count() == 1


@pytest.mark.req("S65", "D7")
def test_eve_of_the_same_clinic_gets_404_too(
    client: Client, alice: User, bob: User, eve: User
) -> None:
    sent = direct(client(alice), bob)
    hers = client(eve)
    conversation = sent.json()["message"]["conversationId"]

    answers = [
        hers.get(sent["Location"]),
        hers.get(f"{sent['Location']}/deliveries"),
        hers.post(GROUP, {"conversationId": conversation, "content": "Hello"}, format="json"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 3


def test_who_has_left_can_neither_send_nor_read(
    client: Client, alice: User, bob: User, carol: User
) -> None:
    people = {"participantIds": [str(bob.pk), str(carol.pk)]}
    group = client(alice).post(f"{V1}/conversations", people, format="json").json()
    body = {"conversationId": group["id"], "content": "Hello"}
    where = client(alice).post(GROUP, body, format="json")["Location"]
    his = client(bob)
    his.delete(f"{V1}/conversations/{group['id']}/participants/{bob.pk}")

    assert his.post(GROUP, body, format="json").status_code == 404
    assert his.get(where).status_code == 404


@pytest.mark.req("S122")
def test_nobody_gets_401(client: Client, bob: User) -> None:
    assert direct(client(), bob).status_code == 401
    assert client().get(f"{V1}/messages/{uuid4()}").status_code == 401


def test_times_are_utc_with_milliseconds(client: Client, alice: User, bob: User) -> None:
    created = direct(client(alice), bob).json()["message"]["createdAt"]

    assert abs(datetime.strptime(created, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp() - time.time()) < 60
    assert created.endswith("Z") and len(created) == len("2026-01-01T00:00:00.000Z")
