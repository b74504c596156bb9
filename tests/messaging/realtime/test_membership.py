"""Who may hear what: members during their stay, and nobody else."""

from uuid import uuid4

import pytest

from messaging import events
from messaging.models import User
from messaging.services import conversations
from tests.messaging.realtime.conftest import Connect, Group
from tests.messaging.realtime.happenings import deliver, happen, send


@pytest.mark.req("D7")
@pytest.mark.parametrize(
    ("frame", "fields"),
    [
        ("subscribe", {}),
        ("subscribe", {"since": 0}),
        ("unsubscribe", {}),
        ("read", {"seq": 1}),
        ("delivered", {"seq": 1}),
        ("message.send", {"content": "let me in"}),
    ],
)
@pytest.mark.parametrize("name", ["mallory", "eve", "former"])
def test_a_conversation_of_others_is_not_found(
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
    happen(room, 2)
    conversations.remove_participant(actor=alice, conversation_id=room, user_id=carol.pk)
    stranger = connect(carol if name == "former" else request.getfixturevalue(name))

    theirs = stranger.ask(frame, conversationId=room, **fields)
    nobodys = stranger.ask(frame, conversationId=uuid4(), **fields)
    happen(room, 2)
    stranger.listen(0.7)

    assert theirs["type"] == "error"
    assert theirs["code"] == nobodys["code"] == "not-found"
    assert theirs | {"id": 0} == nobodys | {"id": 0}
    assert stranger.seqs() == []


def test_resuming_a_conversation_of_others_is_told_by_name(
    connect: Connect, group: Group, alice: User, bob: User, mallory: User
) -> None:
    room, own = group(alice, bob), uuid4()
    client = connect(mallory, resume={str(room): 0, str(own): 0})

    errors = [client.until(lambda frame: frame["type"] == "error") for _ in range(2)]

    assert {error["conversationId"] for error in errors} == {str(room), str(own)}
    assert {error["code"] for error in errors} == {"not-found"}


@pytest.mark.req("D7")
def test_a_removed_member_hears_of_it_and_nothing_more(
    connect: Connect, group: Group, alice: User, bob: User, carol: User
) -> None:
    room = group(alice, bob, carol)
    gone, stays = connect(carol), connect(bob)
    gone.follow(room)
    stays.follow(room)

    conversations.remove_participant(actor=alice, conversation_id=room, user_id=carol.pk)
    send(alice, room, "now that she has left")
    head = happen(room)
    deliver()

    stays.up_to(head)
    gone.listen(1.5)
    assert [frame["event"] for frame in gone.events] == ["participant.removed"]
    assert gone.ask("read", conversationId=room, seq=head)["code"] == "not-found"


def test_a_removed_member_hears_nothing_more_when_the_hint_is_lost(
    connect: Connect,
    group: Group,
    alice: User,
    bob: User,
    carol: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    room = group(alice, bob, carol)
    gone = connect(carol)
    gone.follow(room)

    with monkeypatch.context() as silenced:
        silenced.setattr(events, "publish", lambda hints: None)
        conversations.remove_participant(actor=alice, conversation_id=room, user_id=carol.pk)
    happen(room, 3)
    gone.listen(1.5)

    assert [frame["event"] for frame in gone.events] == ["participant.removed"]


def test_somebody_who_came_later_sees_nothing_of_before(
    connect: Connect, group: Group, alice: User, bob: User, carol: User
) -> None:
    room = group(alice, bob)
    before = happen(room, 5)
    conversations.add_participant(actor=alice, conversation_id=room, user_id=carol.pk)
    client = connect(carol)

    client.follow(room, since=0)
    head = happen(room, 2)

    assert client.up_to(head) == list(range(before + 1, head + 1))
