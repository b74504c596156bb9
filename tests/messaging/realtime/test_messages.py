"""Messages on the socket: open or sealed, sent and acknowledged."""

import pytest

from messaging.models import Message, MessageDelivery, MessageStatus, User
from tests.messaging.realtime.conftest import Connect, Group
from tests.messaging.realtime.happenings import deliver, happen, send


@pytest.mark.req("S68", "S83")
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


def test_a_sealed_reader_does_not_wait_for_an_encryption_step_that_is_dead(
    connect: Connect, group: Group, alice: User, bob: User
) -> None:
    room = group(alice, bob)
    sealed = connect(alice, content="sealed")
    sealed.follow(room)
    message = send(alice, room, "a canary that nobody could seal")
    head = happen(room)

    Message.objects.filter(pk=message).update(status=MessageStatus.FAILED)

    assert sealed.up_to(head) == [head - 1, head]
    data = sealed.events[0]["data"]
    assert (data["messageId"], data["error"]) == (message, {"code": "encryption-failed"})
    assert (data["content"], "encryptionMetadata" in data) == ("", False)


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


@pytest.mark.req("S51", "S83", "S84")
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


@pytest.mark.req("S27", "S52", "S81")
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
    signal = sender.until(lambda frame: frame.get("event") == "receipt.updated")
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
