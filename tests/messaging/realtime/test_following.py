"""Following conversations: events in order and whole, from where the client left off."""

from uuid import UUID

import pytest

from messaging import events
from messaging.models import Conversation, User
from messaging.realtime import limits
from tests.messaging.realtime.conftest import Connect, Group
from tests.messaging.realtime.happenings import happen, hint_of


def test_a_follower_hears_what_happens_from_now_on(
    connect: Connect, group: Group, alice: User, bob: User
) -> None:
    room = group(alice, bob)
    head = happen(room, 3)
    client = connect(bob)

    result = client.follow(room)
    happen(room, 4)

    assert result == {"seq": head, "resumed": False, "reset": False}
    assert client.up_to(head + 4) == list(range(head + 1, head + 5))


def test_a_follower_resumes_after_the_event_that_they_name(
    connect: Connect, group: Group, alice: User, bob: User
) -> None:
    room = group(alice, bob)
    head = happen(room, 700)
    client = connect(bob)

    assert client.follow(room, since=5) == {"seq": head, "resumed": True, "reset": False}

    assert client.up_to(head) == list(range(6, head + 1))
    happen(room)
    assert client.up_to(head + 1)[-1] == head + 1


def test_a_hello_resumes_many_conversations_at_once(
    connect: Connect, group: Group, alice: User, bob: User
) -> None:
    rooms = [group(alice, bob) for _ in range(5)]
    heads = {room: happen(room, 3) for room in rooms}

    client = connect(bob, resume={str(room): 1 for room in rooms})

    for room, head in heads.items():
        assert client.up_to(head, room) == list(range(2, head + 1))


def test_who_is_too_far_behind_is_told_to_load(
    connect: Connect, group: Group, alice: User, bob: User
) -> None:
    room = group(alice, bob)
    head = happen(room, limits.REPLAY + 1, hinted=False)
    client, resuming = connect(bob), connect(alice, resume={str(room): 0})

    assert client.follow(room, since=0) == {"seq": head, "resumed": False, "reset": True}
    reset = resuming.until(lambda frame: frame["type"] == "reset")
    assert reset == {"type": "reset", "conversationId": str(room), "seq": head}

    happen(room)
    assert client.up_to(head + 1) == [head + 1]
    assert resuming.up_to(head + 1) == [head + 1]


@pytest.mark.parametrize("since", [10**6, 2**63 - 1])
def test_a_place_that_does_not_exist_is_another_history(
    connect: Connect, group: Group, alice: User, bob: User, since: int
) -> None:
    room = group(alice, bob)

    assert connect(bob).follow(room, since=since)["reset"] is True


def test_a_lost_hint_without_a_successor_is_found_by_the_look_at_the_heads(
    connect: Connect, group: Group, alice: User, bob: User
) -> None:
    room = group(alice, bob)
    client = connect(bob)
    client.follow(room)

    head = happen(room, 3, hinted=False)

    assert client.up_to(head) == [head - 2, head - 1, head]


def test_hints_that_come_twice_or_late_change_nothing(
    connect: Connect, group: Group, alice: User, bob: User
) -> None:
    room = group(alice, bob)
    client = connect(bob)
    start = client.follow(room)["seq"]
    head = happen(room, 20, hinted=False)
    row = Conversation.objects.get(pk=room)

    for seq in [head, start + 3, start + 1, head, start + 1, start + 7, start + 2]:
        events.publish([hint_of(row, seq)])

    assert client.up_to(head) == list(range(start + 1, head + 1))


def test_following_twice_starts_again_from_the_place_named(
    connect: Connect, group: Group, alice: User, bob: User
) -> None:
    room = group(alice, bob)
    head = happen(room, 4)
    client = connect(bob)
    client.follow(room, since=head)
    client.follow(room, since=head - 2)

    assert client.up_to(head) == [head - 1, head]


def test_who_stops_following_hears_nothing_more(
    connect: Connect, group: Group, alice: User, bob: User
) -> None:
    room = group(alice, bob)
    client = connect(bob)
    client.follow(room)

    assert client.ask("unsubscribe", conversationId=room)["type"] == "ack"
    happen(room, 3)
    client.listen(1.0)

    assert client.seqs() == []
    assert client.ask("unsubscribe", conversationId=room)["code"] == "not-found"


def test_a_socket_follows_two_hundred_conversations_and_no_more(
    connect: Connect, group: Group, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms: list[UUID] = [group(alice, bob) for _ in range(limits.CONVERSATIONS + 1)]
    client = connect(bob, resume={str(room): 0 for room in rooms[:-1]})
    client.ask("ping")

    assert client.ask("subscribe", conversationId=rooms[-1])["code"] == "quota-exceeded"
    assert client.ask("unsubscribe", conversationId=rooms[0])["type"] == "ack"
    assert client.follow(rooms[-1])
