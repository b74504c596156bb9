"""What each strategy lets go; and what holds for every one of them, also for those to come."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from messaging import events
from messaging.models import (
    AuditEvent,
    Conversation,
    Event,
    Idempotency,
    Message,
    MessageDelivery,
    MessageSearch,
    Notification,
    Tenant,
    User,
)
from messaging.retention import strategy as walking
from messaging.retention.registry import registered
from messaging.retention.strategy import Strategy
from messaging.services import reading, searching
from tests.messaging.retention.conftest import Past

pytestmark = pytest.mark.django_db(transaction=True)
ALL = sorted(registered())


def clean(name: str, days: int | None = None, limit: int = 1000) -> int:
    """How many messages the strategy lets go in one chunk."""
    with transaction.atomic():
        return registered()[name](days).clean(limit)


def due_for(name: str, past: Past, number: int) -> None:
    """Make *number* messages that *name* lets go."""
    made = [past(400, deleted=300 if name == "deleted_messages" else None) for _ in range(number)]
    if name == "orphaned_messages":
        Conversation.objects.filter(pk=made[0].conversation_id).update(deleted_at=timezone.now())


def remaining() -> int:
    return Message.objects.filter(deleted_at=None).count()


@pytest.mark.req("S102")
def test_an_old_message_is_deleted_for_its_readers_and_kept_in_the_table(
    past: Past, bob: User
) -> None:
    old, young = past(91), past(89)

    assert clean("old_messages") == 1

    shown = reading.list_messages(bob, old.conversation_id)
    assert [each["id"] for each in shown] == [str(young.pk)]
    assert Message.objects.get(pk=old.pk).deleted_at is not None
    assert [each["id"] for each in searching.search(bob, q="evening")] == [str(young.pk)]


@pytest.mark.req("S102")
def test_the_deletion_is_the_next_event_of_its_conversation(past: Past, bob: User) -> None:
    old = [past(100), past(100)]

    clean("old_messages")

    place = old[0].conversation_id
    assert list(Event.objects.order_by("seq").values_list("seq", "type", "message_id"))[2:] == [
        (3, "message.deleted", old[0].pk),
        (4, "message.deleted", old[1].pk),
    ]
    assert Conversation.objects.get(pk=place).head_seq == 4
    frames = events.frames(events.read(place, 0), "open")
    assert [frame["data"] for frame in frames if frame] == [
        {"messageId": str(row.pk)} for row in (*old, *old)
    ]


@pytest.mark.req("S166")
def test_the_nearest_word_on_retention_counts(past: Past, clinic: Tenant, alice: User) -> None:
    message = past(100)
    rows = Conversation.objects.filter(pk=message.conversation_id)

    rows.update(retention_days=101)
    assert clean("old_messages", days=1) == 0
    rows.update(retention_days=None)
    Tenant.objects.filter(pk=clinic.pk).update(retention_days=200)
    assert clean("old_messages", days=1) == 0
    Tenant.objects.filter(pk=clinic.pk).update(retention_days=None)
    assert clean("old_messages", days=101) == 0
    assert clean("old_messages", days=99) == 1


def test_a_scheduled_message_is_as_old_as_its_time(past: Past) -> None:
    message = past(100)
    Message.objects.filter(pk=message.pk).update(scheduled_at=timezone.now() + timedelta(days=1))

    assert clean("old_messages") == 0


@pytest.mark.req("S103")
@pytest.mark.parametrize("gone", ["deleted", "vanished"])
def test_a_message_without_a_conversation_is_removed(past: Past, gone: str, carol: User) -> None:
    orphan = past()
    rows = Conversation.objects.filter(pk=orphan.conversation_id)
    if gone == "deleted":
        rows.update(deleted_at=timezone.now())
    else:
        rows.get().participants.all().delete()
        rows.delete()

    assert clean("orphaned_messages") == 1

    assert not Message.objects.exists()


@pytest.mark.req("S104")
def test_a_deleted_message_is_removed_after_its_grace(past: Past) -> None:
    past(60, deleted=29)
    gone = past(60, deleted=31)

    assert clean("deleted_messages") == 1

    assert not Message.objects.filter(pk=gone.pk).exists()
    assert Message.objects.count() == 1


@pytest.mark.req("S104")
def test_what_hangs_on_a_message_goes_with_it_and_its_events_stay(past: Past) -> None:
    kept, gone = past(client_message_id="k"), past(client_message_id="g")
    Message.objects.filter(pk=gone.pk).update(deleted_at=timezone.now() - timedelta(days=31))

    clean("deleted_messages")

    for table in (MessageDelivery, Notification, Idempotency, MessageSearch):
        assert set(table.objects.values_list("message_id", flat=True)) == {kept.pk}, table
    assert Event.objects.count() == 2
    frames = events.frames(events.read(gone.conversation_id, 1), "open")
    assert frames[0] and frames[0]["data"] == {"messageId": str(gone.pk)}
    removed = AuditEvent.objects.get(action="message.removed")
    assert (removed.target_id, "quiet" in removed.body) == (str(gone.pk), False)


@pytest.mark.req("D9")
@pytest.mark.parametrize("name", ALL)
def test_a_conversation_on_hold_keeps_everything(past: Past, name: str) -> None:
    due_for(name, past, 1)
    Conversation.objects.update(hold=True)

    assert clean(name) == 0
    assert registered()[name]().count() == 0


@pytest.mark.req("S106")
@pytest.mark.parametrize("name", ALL)
def test_a_strategy_takes_no_more_than_it_is_told(past: Past, name: str) -> None:
    due_for(name, past, 3)
    rule = registered()[name]()

    taken = []
    while not rule.exhausted:
        with transaction.atomic():
            taken.append(rule.clean(2))

    assert taken == [2, 1]


@pytest.mark.req("S106")
@pytest.mark.parametrize("name", ALL)
def test_a_strategy_looks_at_a_bounded_stretch_at_a_time(
    past: Past, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walking, "SCAN", 2)
    due_for(name, past, 3)
    rule = registered()[name]()

    seen = []
    while not rule.exhausted:
        with transaction.atomic():
            seen.append((rule.clean(1000), rule.examined))

    assert seen == [(2, 2), (1, 1)]


@pytest.mark.req("D9")
@pytest.mark.parametrize("name", ALL)
def test_a_strategy_that_ran_has_nothing_left_to_do(past: Past, name: str) -> None:
    due_for(name, past, 2)

    assert [clean(name), clean(name)] == [2, 0]


@pytest.mark.req("S107")
@pytest.mark.parametrize("name", ALL)
def test_counting_counts_what_would_go_and_touches_nothing(past: Past, name: str) -> None:
    due_for(name, past, 2)
    before = list(Message.objects.order_by("pk").values())

    assert registered()[name]().count() == 2

    assert list(Message.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("name", ALL)
def test_messages_that_somebody_works_on_are_left_for_later(past: Past, name: str) -> None:
    due_for(name, past, 2)
    first = Message.objects.order_by("pk").values_list("pk", flat=True)[0]
    other = connection.copy()
    try:
        other.ensure_connection()
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT 1 FROM messages WHERE id = %s::uuid FOR UPDATE", [first])
            assert clean(name) == 1
            cursor.execute("ROLLBACK")
    finally:
        other.close()

    assert clean(name) == 1


def test_a_name_means_one_strategy() -> None:
    with pytest.raises(ValueError, match="already"):
        type("Again", (Strategy,), {"name": ALL[0]})


def test_an_empty_table_is_nothing_to_do(db: None) -> None:
    rule = registered()["old_messages"](after=uuid4())

    assert (rule.count(), rule.examined, rule.exhausted) == (0, 0, True)
