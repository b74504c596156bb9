"""Following conversations: events in order and whole, from where the client left off."""

from uuid import UUID, uuid4

import pytest

from messaging.models import MessageDelivery, User
from messaging.realtime import limits
from messaging.services import conversations
from tests.messaging.realtime.conftest import Connect, Group
from tests.messaging.realtime.happenings import deliver, happen, send


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
    from messaging import events
    from messaging.models import Conversation
    from tests.messaging.realtime.happenings import hint_of

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


def test_messages_come_open_to_one_and_sealed_to_another(
    connect: Connect, group: Group, alice: User, bob: User
) -> None:
    room = group(alice, bob)
    opened, sealed = connect(bob), connect(alice, content="sealed")
    opened.follow(room)
    sealed.follow(room)

    message = send(alice, room, "a canary sings")
    deliver()

    plain = opened.until(lambda frame: frame["type"] == "event")
    closed = sealed.until(lambda frame: frame["type"] == "event")
    assert plain["event"] == closed["event"] == "message.created"
    assert plain["seq"] == closed["seq"]
    assert plain["data"]["messageId"] == closed["data"]["messageId"] == message
    assert plain["data"]["content"] == "a canary sings"
    assert "encryptionMetadata" not in plain["data"]
    assert plain["data"]["isEncrypted"] is closed["data"]["isEncrypted"] is True
    assert set(closed["data"]["encryptionMetadata"]) == {"algorithm", "iv", "authTag", "keyId"}
    assert "canary" not in str(closed)


def test_a_sealed_reader_waits_for_the_encryption_step(
    connect: Connect, group: Group, alice: User, bob: User
) -> None:
    room = group(alice, bob)
    opened, sealed = connect(bob), connect(alice, content="sealed")
    opened.follow(room)
    sealed.follow(room)
    send(alice, room, "first, still under the ingress key")
    head = happen(room)

    assert opened.up_to(head) == [head - 1, head]
    sealed.listen(1.5)
    assert sealed.seqs() == []

    deliver()
    assert sealed.up_to(head) == [head - 1, head]


def test_a_plain_message_is_the_same_for_both(
    connect: Connect, group: Group, alice: User, bob: User
) -> None:
    room = group(alice, bob)
    opened, sealed = connect(bob), connect(alice, content="sealed")
    opened.follow(room)
    sealed.follow(room)

    send(alice, room, "in the open", encrypted=False)
    deliver()

    frames = [each.until(lambda frame: frame["type"] == "event") for each in (opened, sealed)]
    assert frames[0] == frames[1]
    assert frames[0]["data"]["content"] == "in the open"


def test_a_message_goes_in_by_one_socket_and_comes_out_by_another(
    connect: Connect, group: Group, alice: User, bob: User
) -> None:
    room = group(alice, bob)
    here, there = connect(alice), connect(bob)
    there.follow(room)
    fields = {"conversationId": room, "content": "good morning", "clientMessageId": "m-1"}

    first = here.ask("message.send", **fields)
    again = here.ask("message.send", **fields)
    other = here.ask("message.send", **{**fields, "content": "another text"})
    deliver()

    assert first["type"] == "ack"
    assert set(first["result"]) == {"messageId", "seq", "jobs"}
    assert set(first["result"]["jobs"]) == {"encryption", "delivery", "notification", "indexing"}
    assert again["result"] == first["result"]
    assert other["code"] == "idempotency-key-reused"
    event = there.until(lambda frame: frame["type"] == "event")
    assert event["data"]["messageId"] == first["result"]["messageId"]
    assert event["seq"] == first["result"]["seq"]


def test_delivered_and_read_reach_the_row_and_the_sender(
    connect: Connect, group: Group, alice: User, bob: User
) -> None:
    room = group(alice, bob)
    sender, reader = connect(alice), connect(bob)
    sender.follow(room)
    reader.follow(room)
    message = send(alice, room, "are you there?")
    deliver()
    seq = reader.until(lambda frame: frame["type"] == "event")["seq"]
    row = MessageDelivery.objects.filter(message_id=message, recipient=bob)

    reader.say("delivered", conversationId=room, seq=seq)
    signal = sender.until(lambda frame: frame["type"] == "signal")
    assert (signal["event"], signal["data"]["deliveredSeq"]) == ("receipt.updated", seq)
    assert row.get().status == "DELIVERED"

    assert reader.ask("read", conversationId=room, seq=seq)["type"] == "ack"
    sender.until(lambda frame: frame["type"] == "signal" and frame["data"].get("readSeq") == seq)
    assert row.get().status == "READ"


def test_nobody_acknowledges_what_they_were_not_sent(
    connect: Connect, group: Group, alice: User, bob: User
) -> None:
    room = group(alice, bob)
    client = connect(bob)
    head = client.follow(room)["seq"]

    error = client.ask("delivered", conversationId=room, seq=head + 1)

    assert (error["code"], error["pointer"]) == ("validation", "/seq")


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
    from messaging import events

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


def test_a_socket_follows_two_hundred_conversations_and_no_more(
    connect: Connect, group: Group, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms: list[UUID] = [group(alice, bob) for _ in range(limits.CONVERSATIONS + 1)]
    client = connect(bob, resume={str(room): 0 for room in rooms[:-1]})
    client.ask("ping")

    assert client.ask("subscribe", conversationId=rooms[-1])["code"] == "quota-exceeded"
    assert client.ask("unsubscribe", conversationId=rooms[0])["type"] == "ack"
    assert client.follow(rooms[-1])
