"""Edits and deletions on the socket: said by frames, heard by everybody who may."""

from uuid import uuid4

import pytest

from messaging.models import Message, User
from messaging.services import conversations
from tests.messaging.realtime.client import Client
from tests.messaging.realtime.conftest import Connect, Group
from tests.messaging.realtime.happenings import deliver, happen, send


def next_event(client: Client) -> dict[str, object]:
    return client.until(lambda frame: frame["type"] == "event")


@pytest.mark.parametrize("encrypted", [True, False])
def test_an_edit_and_a_deletion_reach_open_and_sealed_readers(
    connect: Connect, group: Group, alice: User, bob: User, encrypted: bool
) -> None:
    room = group(alice, bob)
    author, opened, sealed = connect(alice), connect(bob), connect(bob, content="sealed")
    opened.follow(room)
    sealed.follow(room)
    message = send(alice, room, "a canary sings", encrypted=encrypted)
    deliver()
    opened.up_to(1)
    sealed.up_to(1)

    ack = author.ask("message.edit", messageId=message, version=1, content="a canary naps")
    plain = next_event(opened)
    deliver()
    closed = next_event(sealed)

    assert ack["type"] == "ack" and ack["result"]["version"] == 2
    assert set(ack["result"]["jobs"]) == {"encryption", "indexing"}
    assert (plain["event"], plain["seq"]) == ("message.updated", 2)
    assert plain["data"]["content"] == "a canary naps" and plain["data"]["version"] == 2
    assert closed["event"] == "message.updated"
    assert ("canary" in str(closed)) is not encrypted

    stale = author.ask("message.delete", messageId=message, version=1)
    gone = author.ask("message.delete", messageId=message, version=2)

    assert stale["code"] == "precondition-failed"
    assert gone["result"] == {"messageId": message, "seq": 3}
    for client in (opened, sealed):
        event = next_event(client)
        assert (event["event"], event["data"]) == ("message.deleted", {"messageId": message})


@pytest.mark.parametrize(
    ("frame", "fields"),
    [
        ("message.edit", {"version": 1, "content": "hers now"}),
        ("message.delete", {"version": 1}),
    ],
)
@pytest.mark.parametrize("name", ["mallory", "eve", "former"])
def test_a_message_of_others_is_not_found(
    connect: Connect,
    group: Group,
    alice: User,
    bob: User,
    carol: User,
    request: pytest.FixtureRequest,
    name: str,
    frame: str,
    fields: dict[str, object],
) -> None:
    room = group(alice, bob, carol)
    message = send(carol, room, "mine")
    conversations.remove_participant(actor=alice, conversation_id=room, user_id=carol.pk)
    stranger = connect(carol if name == "former" else request.getfixturevalue(name))

    theirs = stranger.ask(frame, messageId=message, **fields)
    nobodys = stranger.ask(frame, messageId=uuid4(), **fields)

    assert theirs["code"] == nobodys["code"] == "not-found"
    assert theirs | {"id": 0} == nobodys | {"id": 0}
    assert Message.objects.get().version == 1


def test_a_reader_may_not_change_what_another_wrote(
    connect: Connect, group: Group, alice: User, bob: User
) -> None:
    message = send(alice, group(alice, bob), "mine")
    reader = connect(bob)

    for frame, fields in (("message.edit", {"content": "yours"}), ("message.delete", {})):
        assert reader.ask(frame, messageId=message, version=1, **fields)["code"] == "forbidden"


@pytest.mark.parametrize("hinted", [True, False])
@pytest.mark.parametrize("form", ["open", "sealed"])
def test_who_came_later_hears_that_something_was_edited_and_not_what(
    connect: Connect,
    group: Group,
    alice: User,
    bob: User,
    carol: User,
    monkeypatch: pytest.MonkeyPatch,
    hinted: bool,
    form: str,
) -> None:
    from messaging import events
    from messaging.services import changing

    room = group(alice, bob)
    message = send(alice, room, "before her time")
    deliver()
    conversations.add_participant(actor=alice, conversation_id=room, user_id=carol.pk)
    late = connect(carol, content=form)
    late.follow(room)

    with monkeypatch.context() as silenced:
        if not hinted:
            silenced.setattr(events, "publish", lambda hints: None)
        changing.edit_message(actor=alice, message_id=message, content="a canary", versions={1})
        deliver()
    head = happen(room)

    assert late.up_to(head) == [head - 1, head]
    assert late.events[0]["event"] == "message.updated"
    assert late.events[0]["data"] == {"messageId": message}
    assert "canary" not in str(late.heard)
