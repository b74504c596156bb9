"""What came of a message: read it, confirm it, find it."""

import pytest
from django.db import connection

from messaging.errors import NotFound
from messaging.models import (
    AuditEvent,
    Message,
    MessageDelivery,
    MessageSearch,
    Notification,
    Participant,
    User,
)
from messaging.services import conversations, reading, receipts
from messaging.services.searching import search
from messaging.services.sending import Draft, send_direct, send_group
from queueing.testing import work_all

pytestmark = pytest.mark.django_db(transaction=True)


def send(sender: User, recipient: User, text: str = "a quiet evening", **draft: object) -> Message:
    answer = send_direct(
        sender=sender, recipient_id=recipient.pk, draft=Draft(content=text, **draft)
    )
    return Message.objects.get(pk=answer.body["message"]["id"])


@pytest.mark.req("S27", "S75", "S79", "S81")
@pytest.mark.parametrize("encrypted", [True, False])
def test_a_delivery_goes_from_pending_by_sent_and_delivered_to_read(
    alice: User, bob: User, encrypted: bool
) -> None:
    message = send(alice, bob, encrypted=encrypted)
    seen = [reading.get_message(alice, message.pk)["status"]]
    work_all()
    seen.append(reading.get_message(alice, message.pk)["status"])
    receipts.delivered(bob, message.conversation_id, 1)
    seen.append(reading.get_message(alice, message.pk)["status"])
    receipts.read(bob, message.conversation_id, 1)
    seen.append(reading.get_message(alice, message.pk)["status"])

    assert seen == ["PENDING", "SENT", "DELIVERED", "READ"]
    [row] = reading.deliveries(alice, message.pk)
    assert row["status"] == "READ" and row["deliveredAt"] and row["readAt"] and row["sentAt"]
    assert row["metadata"]["encrypted"] is encrypted


@pytest.mark.req("S79")
@pytest.mark.req("M23")
def test_a_late_receipt_never_moves_a_delivery_back(alice: User, bob: User) -> None:
    message = send(alice, bob)
    work_all()
    receipts.read(bob, message.conversation_id, 1)

    assert receipts.delivered(bob, message.conversation_id, 1) == 0
    assert MessageDelivery.objects.get().status == "READ"


def test_a_receipt_covers_everything_up_to_its_seq_and_nothing_beyond_the_head(
    alice: User, bob: User
) -> None:
    message, _, _ = (send(alice, bob) for _ in range(3))
    work_all()

    assert receipts.delivered(bob, message.conversation_id, 2) == 2
    assert receipts.delivered(bob, message.conversation_id, 2**40) == 1
    assert Participant.objects.get(user=bob).delivered_seq == 3


def test_a_receipt_that_came_before_the_delivery_row_is_not_lost(alice: User, bob: User) -> None:
    message = send(alice, bob)
    receipts.read(bob, message.conversation_id, 1)
    work_all()

    assert MessageDelivery.objects.get().status == "READ"


@pytest.mark.req("S82")
def test_a_group_message_is_delivered_when_everybody_has_it(
    alice: User, bob: User, carol: User
) -> None:
    started = conversations.start(creator=alice, participant_ids=[bob.pk, carol.pk])
    pk = Message.objects.model(id=started.body["id"]).pk
    answer = send_group(sender=alice, conversation_id=pk, draft=Draft(content="hello"))
    work_all()
    message_id = Message.objects.get(pk=answer.body["message"]["id"]).pk

    receipts.delivered(bob, pk, 1)
    assert reading.get_message(alice, message_id)["status"] == "SENT"
    receipts.delivered(carol, pk, 1)
    assert reading.get_message(alice, message_id)["status"] == "DELIVERED"
    assert len(reading.deliveries(alice, message_id)) == 2
    assert len(reading.deliveries(bob, message_id)) == 1


@pytest.mark.req("S92", "D5")
def test_the_inbox_tells_that_there_is_a_message_and_not_what(alice: User, bob: User) -> None:
    message = send(alice, bob, "marmalade")
    work_all()

    [entry] = reading.inbox(bob)
    assert entry["messageId"] == str(message.pk)
    assert "marmalade" not in str(entry)
    assert reading.inbox(alice) == []
    reading.mark_inbox_read(bob, Notification.objects.get(channel="in_app").pk)
    assert reading.inbox(bob)[0]["readAt"]


@pytest.mark.req("S109", "D8")
@pytest.mark.parametrize("encrypted", [True, False])
def test_a_word_is_found_by_participants_and_by_nobody_else(
    alice: User, bob: User, eve: User, mallory: User, encrypted: bool
) -> None:
    message = send(alice, bob, "The results arrived, marmalade", encrypted=encrypted)
    send(alice, bob, "something else")
    work_all()

    for reader in (alice, bob):
        assert [row["id"] for row in search(reader, q="marmalade")] == [str(message.pk)]
        assert [row["id"] for row in search(reader, q='"results arrived"')] == [str(message.pk)]
    for stranger in (eve, mallory):
        assert search(stranger, q="marmalade") == []
        with pytest.raises(NotFound):
            search(stranger, q="marmalade", conversation_id=message.conversation_id)


@pytest.mark.req("S109")
def test_the_index_holds_no_word_that_can_be_read(alice: User, bob: User) -> None:
    send(alice, bob, "marmalade")
    work_all()

    assert "marmalad" not in str(MessageSearch.objects.get().tokens)


@pytest.mark.req("S132", "S134")
def test_every_read_of_content_is_audited_without_the_content(alice: User, bob: User) -> None:
    message = send(alice, bob, "marmalade")
    reading.get_message(bob, message.pk)
    reading.list_messages(alice, message.conversation_id)

    reads = AuditEvent.objects.filter(action="message.read")
    assert {row.actor_id for row in reads} == {alice.pk, bob.pk}
    assert not AuditEvent.objects.filter(body__contains="marmalade").exists()


@pytest.mark.req("S133")
@pytest.mark.req("S132")
def test_the_audit_trail_refuses_to_be_changed(alice: User, bob: User) -> None:
    send(alice, bob)

    for change in ("UPDATE audit_events SET action = 'x'", "DELETE FROM audit_events"):
        with pytest.raises(Exception, match="append-only"), connection.cursor() as cursor:
            cursor.execute(change)


@pytest.mark.req("S66", "S67")
@pytest.mark.req("S142")
def test_one_unreadable_row_does_not_fail_the_list(alice: User, bob: User) -> None:
    first, second = send(alice, bob, "one"), send(alice, bob, "two")
    Message.objects.filter(pk=first.pk).update(encrypted_content=b"broken" * 12)

    youngest, oldest = reading.list_messages(bob, first.conversation_id)
    assert youngest["content"] == "two" and youngest["id"] == str(second.pk)
    assert oldest["content"] == "" and oldest["error"]["code"]


def test_strangers_cannot_read_a_message_nor_confirm_it(
    alice: User, bob: User, eve: User, mallory: User
) -> None:
    message = send(alice, bob)
    work_all()

    for stranger in (eve, mallory):
        for call in (
            lambda s: reading.get_message(s, message.pk),
            lambda s: reading.list_messages(s, message.conversation_id),
            lambda s: reading.deliveries(s, message.pk),
            lambda s: receipts.delivered(s, message.conversation_id, 1),
            lambda s: receipts.read(s, message.conversation_id, 1),
            lambda s: reading.mark_inbox_read(s, Notification.objects.all()[0].pk),
        ):
            with pytest.raises(NotFound):
                call(stranger)
