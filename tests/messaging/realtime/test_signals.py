"""Signals: typing, presence, jobs and news for one person; they may be lost and reach nobody else."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from messaging.models import User
from messaging.services import conversations
from messaging.services.sending import Draft, send_direct
from tests.messaging.realtime.client import Client, Frame
from tests.messaging.realtime.conftest import Connect, Group
from tests.messaging.realtime.happenings import deliver, happen, send


def signal(event: str) -> Callable[[Frame], bool]:
    return lambda frame: frame["type"] == "signal" and frame["event"] == event


def signals(client: Client) -> list[str]:
    return [frame["event"] for frame in client.heard if frame["type"] == "signal"]


def test_typing_is_seen_by_the_others_who_follow(
    connect: Connect, group: Group, alice: User, bob: User
) -> None:
    room = group(alice, bob)
    writer, reader = connect(alice), connect(bob)
    writer.follow(room)
    reader.follow(room)

    writer.say("typing", conversationId=room, on=True)
    writer.say("typing", conversationId=room, on=False)

    started = reader.until(signal("typing.started"))
    reader.until(signal("typing.stopped"))
    assert started["conversationId"] == str(room)
    assert started["data"] == {"userId": str(alice.pk)} and "seq" not in started
    writer.ask("ping")
    assert "typing.started" not in signals(writer)


def test_nobody_types_without_end(connect: Connect, group: Group, alice: User, bob: User) -> None:
    room = group(alice, bob)
    writer, reader = connect(alice), connect(bob)
    writer.follow(room)
    reader.follow(room)

    for _ in range(30):
        writer.say("typing", conversationId=room, on=True)
    error = writer.until(lambda frame: frame["type"] == "error")
    reader.listen(1.5)

    assert (error["code"], error["retryable"]) == ("quota-exceeded", True)
    assert 10 <= signals(reader).count("typing.started") <= 15


@pytest.mark.parametrize("name", ["mallory", "eve", "former"])
def test_a_stranger_types_and_shows_themselves_to_nobody(
    connect: Connect,
    group: Group,
    alice: User,
    bob: User,
    carol: User,
    request: pytest.FixtureRequest,
    name: str,
) -> None:
    room = group(alice, bob, carol)
    conversations.remove_participant(actor=alice, conversation_id=room, user_id=carol.pk)
    stranger = connect(carol if name == "former" else request.getfixturevalue(name))
    reader = connect(bob)
    reader.follow(room)

    theirs = stranger.ask("typing", conversationId=room, on=True)
    nobodys = stranger.ask("typing", conversationId=uuid4(), on=True)
    stranger.say("presence.set", status="online")
    reader.listen(1.0)

    assert theirs["code"] == nobodys["code"] == "not-found"
    assert signals(reader) == []


def test_presence_is_told_to_who_shares_a_conversation_until_one_is_gone(
    connect: Connect, group: Group, alice: User, bob: User
) -> None:
    room = group(alice, bob)
    reader = connect(bob)
    reader.follow(room)
    here = connect(alice)

    here.say("presence.set", status="online")
    online = reader.until(signal("presence.changed"))
    here.say("presence.set", status="away")
    away = reader.until(signal("presence.changed"))
    here.close()
    gone = reader.until(signal("presence.changed"))

    statuses = [frame["data"]["status"] for frame in (online, away, gone)]
    assert statuses == ["online", "away", "offline"]
    assert online["conversationId"] == str(room)
    assert set(gone["data"]) == {"userId", "status", "lastSeen"}
    assert gone["data"]["userId"] == str(alice.pk)


def test_who_says_nothing_of_themselves_is_not_shown(
    connect: Connect, group: Group, alice: User, bob: User
) -> None:
    room = group(alice, bob)
    reader = connect(bob)
    reader.follow(room)

    connect(alice).close()
    reader.listen(1.5)

    assert signals(reader) == []


def test_another_socket_keeps_somebody_present(
    connect: Connect, group: Group, alice: User, bob: User
) -> None:
    room = group(alice, bob)
    reader = connect(bob)
    reader.follow(room)
    first, second = connect(alice), connect(alice)
    first.say("presence.set", status="online")
    second.say("presence.set", status="online")
    reader.until(signal("presence.changed"))

    first.close()
    reader.listen(1.5)

    told = [frame["data"]["status"] for frame in reader.heard if frame["type"] == "signal"]
    assert "offline" not in told


@pytest.mark.req("S52")
@pytest.mark.req("S87")
def test_a_sender_hears_what_becomes_of_their_jobs_and_nobody_else_does(
    connect: Connect, group: Group, alice: User, bob: User, mallory: User
) -> None:
    room = group(alice, bob)
    hers, others = connect(alice), [connect(bob), connect(mallory)]

    message = send(alice, room, "a canary sings")
    deliver()

    kinds: set[str] = set()
    while "index-message" not in kinds:
        told: list[dict[str, Any]] = hers.until(signal("job.completed"))["data"]["jobs"]
        kinds |= {job["name"] for job in told}
        assert {job["messageId"] for job in told} == {message}
    assert {"encrypt-decrypt", "send-message"} <= kinds
    assert "canary" not in str(hers.heard)
    for other in others:
        other.listen(0.5)
        assert "job.completed" not in signals(other)


def test_a_sender_hears_of_a_dead_letter_with_its_code(
    connect: Connect, group: Group, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from messaging import encryption
    from queueing.errors import Permanent

    def broken(rows: object) -> None:
        raise Permanent("a key is gone", code="key-gone")

    room = group(alice, bob)
    hers = connect(alice)
    monkeypatch.setattr(encryption, "promote", broken)

    send(alice, room, "a canary sings")
    deliver()

    [job] = hers.until(signal("job.failed"))["data"]["jobs"]
    assert (job["name"], job["error"]) == ("encrypt-decrypt", {"code": "key-gone"})


def test_somebody_learns_of_a_conversation_that_they_do_not_follow_yet(
    connect: Connect, alice: User, bob: User, eve: User, mallory: User
) -> None:
    his, others = connect(bob), [connect(eve), connect(mallory)]

    answer = send_direct(sender=alice, recipient_id=bob.pk, draft=Draft(content="a canary"))
    deliver()
    message = answer.body["message"]

    added = his.until(signal("conversation.added"))
    created = his.until(signal("notification.created"))
    assert added["conversationId"] == created["conversationId"] == message["conversationId"]
    assert set(created["data"]) == {"notificationId", "messageId"}
    assert created["data"]["messageId"] == message["id"] and "canary" not in str(his.heard)
    for other in others:
        other.listen(0.5)
        assert signals(other) == []
    his.follow(added["conversationId"], since=0)
    assert his.up_to(1) == [1]


def test_who_is_added_to_a_group_is_told_on_their_sockets(
    connect: Connect, group: Group, alice: User, bob: User, carol: User
) -> None:
    room = group(alice, bob)
    hers = connect(carol)

    conversations.add_participant(actor=alice, conversation_id=room, user_id=carol.pk)

    assert hers.until(signal("conversation.added"))["conversationId"] == str(room)
    head = happen(room)
    hers.follow(room, since=0)
    hers.up_to(head)
