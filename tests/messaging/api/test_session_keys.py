"""Session keys over REST: who is given which key, and who never is; rotation."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.test import override_settings
from django.utils import timezone

from crypto_core import jose
from crypto_core.models import ConversationKey, Device, KeyState
from crypto_core.release import TYPE
from crypto_core.suite import key_id, unb64
from messaging import keystore
from messaging.models import AuditEvent, Message, User
from messaging.services import session_keys
from tests.keypairs import private
from tests.messaging.api.calls import V1, direct
from tests.messaging.api.conftest import Client
from tests.messaging.api.key_calls import (
    DEVICES,
    ask,
    device,
    group,
    register,
    rotate,
    say,
    sent,
)


@pytest.mark.req("S58")
def test_a_device_that_proves_its_key_is_given_the_session_key(
    client: Client, alice: User, bob: User
) -> None:
    row = sent(direct(client(alice), bob, encrypted=True))
    phone = device(client(bob))

    answer = ask(client(bob), str(row.conversation_id), row.key_id, phone)

    found = answer.json()
    jwk = json.loads(jose.decrypt(found["jwe"], private(), typ=TYPE))
    assert (answer.status_code, found["keyId"], found["deviceId"]) == (200, row.key_id, phone)
    assert (jwk["kty"], jwk["kid"]) == ("oct", row.key_id)
    assert key_id(unb64(jwk["k"], 32)) == row.key_id


def test_a_device_that_is_not_active_is_given_nothing(
    client: Client, alice: User, bob: User
) -> None:
    row = sent(direct(client(alice), bob, encrypted=True))
    made = register(client(bob)).json()["id"]

    assert ask(client(bob), str(row.conversation_id), row.key_id, made).status_code == 409
    Device.objects.update(state="revoked")
    assert ask(client(bob), str(row.conversation_id), row.key_id, made).status_code == 404


def test_a_key_goes_to_ones_own_devices_only(client: Client, alice: User, bob: User) -> None:
    row = sent(direct(client(alice), bob, encrypted=True))
    phone = device(client(alice))

    assert ask(client(bob), str(row.conversation_id), row.key_id, phone).status_code == 404


@pytest.mark.req("S65")
@pytest.mark.parametrize("who", ["mallory", "eve"])
def test_a_stranger_is_given_no_key(
    client: Client, alice: User, bob: User, who: str, request: pytest.FixtureRequest
) -> None:
    stranger: User = request.getfixturevalue(who)
    row = sent(direct(client(alice), bob, encrypted=True))
    own = group(client(stranger), request.getfixturevalue("carol")) if who == "eve" else ""
    phone = device(client(stranger))

    assert ask(client(stranger), str(row.conversation_id), row.key_id, phone).status_code == 404
    if own:
        assert ask(client(stranger), own, row.key_id, phone).status_code == 404
    assert rotate(client(stranger), str(row.conversation_id)).status_code == 404


@pytest.mark.req("S65")
def test_a_newcomer_is_given_no_key_of_before(
    client: Client, alice: User, bob: User, carol: User
) -> None:
    room = group(client(alice), bob)
    before = say(client(alice), room)
    members = f"{V1}/conversations/{room}/participants"
    client(alice).post(members, {"userId": str(carol.pk)}, format="json")
    after = say(client(alice), room)
    phone = device(client(carol))

    assert before.key_id != after.key_id
    assert ask(client(carol), room, before.key_id, phone).status_code == 404
    assert ask(client(carol), room, after.key_id, phone).status_code == 200


def test_a_newcomer_with_history_is_given_the_keys_of_before(
    client: Client, alice: User, bob: User, carol: User
) -> None:
    room = group(client(alice), bob)
    before = say(client(alice), room)
    body = {"userId": str(carol.pk), "history": True}
    client(alice).post(f"{V1}/conversations/{room}/participants", body, format="json")

    assert ask(client(carol), room, before.key_id, device(client(carol))).status_code == 200


@pytest.mark.req("S66")
def test_each_member_opens_the_group_and_a_former_one_gets_nothing(
    client: Client, alice: User, bob: User, carol: User
) -> None:
    room = group(client(alice), bob, carol)
    row = say(client(alice), room)
    phones = {"one": (bob, device(client(bob))), "two": (carol, device(client(carol), "two"))}

    for name, (person, phone) in phones.items():
        jwe = ask(client(person), room, row.key_id, phone).json()["jwe"]
        assert json.loads(jose.decrypt(jwe, private(name), typ=TYPE))["kid"] == row.key_id
    client(carol).delete(f"{V1}/conversations/{room}/participants/{carol.pk}")

    assert ask(client(carol), room, row.key_id, phones["two"][1]).status_code == 404
    assert say(client(alice), room).key_id != row.key_id


def test_an_ingress_key_is_never_given(client: Client, alice: User, bob: User) -> None:
    answer = direct(client(alice), bob, encrypted=True)
    row = Message.objects.get(pk=answer.json()["message"]["id"])
    phone = device(client(bob))

    assert row.key_id
    assert ask(client(bob), str(row.conversation_id), row.key_id, phone).status_code == 404


def test_a_key_that_was_destroyed_is_not_there(client: Client, alice: User, bob: User) -> None:
    row = sent(direct(client(alice), bob, encrypted=True))
    phone = device(client(bob))
    keystore.destroy(row.key_id, "test")

    assert ask(client(bob), str(row.conversation_id), row.key_id, phone).status_code == 404


def test_each_release_is_in_the_trail(client: Client, alice: User, bob: User) -> None:
    row = sent(direct(client(alice), bob, encrypted=True))
    phone = device(client(bob))
    ask(client(bob), str(row.conversation_id), row.key_id, phone)
    ask(client(alice), str(row.conversation_id), row.key_id, phone)

    event = AuditEvent.objects.get(action="key.released")
    body = json.loads(event.body)
    assert (event.actor_id, event.target_id) == (bob.pk, row.key_id)
    assert (body["device"], body["conversation"]) == (phone, str(row.conversation_id))


def test_releases_are_limited(
    client: Client, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_keys, "MOST_RELEASES", 2)
    row = sent(direct(client(alice), bob, encrypted=True))
    phone = device(client(bob))

    answers = [ask(client(bob), str(row.conversation_id), row.key_id, phone) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1]["Retry-After"]) > 0


def test_what_follows_a_revoked_device_is_under_a_key_that_it_never_had(
    client: Client, alice: User, bob: User
) -> None:
    row = sent(direct(client(alice), bob, encrypted=True))
    room, phone = str(row.conversation_id), device(client(bob))
    ask(client(bob), room, row.key_id, phone)

    client(bob).delete(f"{DEVICES}/{phone}")

    assert ConversationKey.objects.get(pk=row.key_id).state == KeyState.RETIRED
    after = sent(direct(client(alice), bob, encrypted=True))
    assert after.key_id != row.key_id


@pytest.mark.req("S63")
@pytest.mark.req("S143.1")
def test_a_key_rotates_on_demand_and_what_it_sealed_is_read(
    client: Client, alice: User, bob: User
) -> None:
    before = sent(direct(client(alice), bob, "before", encrypted=True))
    room = str(before.conversation_id)

    answer = rotate(client(bob), room)

    after = sent(direct(client(alice), bob, "after", encrypted=True))
    read = client(bob).get(f"{V1}/conversations/{room}/messages").json()["data"]
    assert answer.status_code == 200
    assert answer.json() == {"conversationId": room, "keyId": after.key_id}
    assert after.key_id != before.key_id
    assert [row["content"] for row in read] == ["after", "before"]
    assert AuditEvent.objects.filter(action="conversation.key-rotated", actor_id=bob.pk).exists()


@pytest.mark.req("S63")
@pytest.mark.req("S143.2")
def test_a_key_of_seven_days_seals_no_more_and_what_it_sealed_is_read(
    client: Client, alice: User, bob: User
) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        first = sent(direct(client(alice), bob, "first", encrypted=True))
        clock.shift(timedelta(days=7) - timedelta(seconds=1))
        same = sent(direct(client(alice), bob, "same", encrypted=True))
        clock.shift(1)
        other = sent(direct(client(alice), bob, "other", encrypted=True))
        room = f"{V1}/conversations/{first.conversation_id}/messages"
        read = client(bob).get(room).json()["data"]

    assert first.key_id == same.key_id != other.key_id
    assert [row["content"] for row in read] == ["other", "same", "first"]
    states = dict(ConversationKey.objects.filter(purpose="content").values_list("pk", "state"))
    assert states == {first.key_id: KeyState.RETIRED, other.key_id: KeyState.ACTIVE}


def test_only_an_owner_rotates_a_groups_key(client: Client, alice: User, bob: User) -> None:
    room = group(client(alice), bob)

    assert rotate(client(bob), room).status_code == 403
    assert rotate(client(alice), room).status_code == 200


def test_rotations_of_a_conversation_are_limited(
    client: Client, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_keys, "MOST_ROTATIONS", 1)
    room = group(client(alice), bob)

    assert [rotate(client(alice), room).status_code for _ in range(2)] == [200, 429]


def test_nothing_rotates_while_encryption_is_off(client: Client, alice: User, bob: User) -> None:
    room = group(client(alice), bob)
    browser = client(alice)

    with override_settings(ENCRYPTION_ENABLED=False):
        assert rotate(browser, room).status_code == 503
    assert not ConversationKey.objects.filter(purpose="content").exists()


@pytest.mark.parametrize("query", [{}, {"keyId": "x"}, {"keyId": "A" * 43}, {"deviceId": "x"}])
def test_a_question_without_key_and_device_is_refused(
    client: Client, bob: User, query: dict[str, str]
) -> None:
    answer = client(bob).get(f"{V1}/conversations/{uuid4()}/session-keys", query)

    assert answer.status_code == 400
