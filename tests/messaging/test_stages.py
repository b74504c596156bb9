"""The steps of a message's life: what each leaves behind, and what a failure leaves alone."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from messaging import encryption
from messaging.models import (
    AuditEvent,
    Event,
    Message,
    MessageDelivery,
    MessageSearch,
    Notification,
    User,
)
from messaging.notifications.channel import ChannelError, Receipt, Rejected
from messaging.notifications.channels.email import Email
from messaging.services import conversations, reading
from messaging.services.sending import Draft, send_direct
from queueing import control
from queueing.models import Job
from queueing.queues import DELIVERY, ENCRYPTION
from queueing.testing import work_all

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def mails(monkeypatch) -> list[str]:
    """Mail goes nowhere; what would have been sent is in the list."""
    sent: list[str] = []

    def send(self, notice) -> Receipt:
        sent.append(notice.recipient.email)
        return Receipt("smtp", str(notice.opaque_id))

    monkeypatch.setattr(Email, "send", send)
    return sent


def send(sender: User, recipient: User, **draft: object) -> Message:
    draft.setdefault("content", "a quiet evening")
    answer = send_direct(sender=sender, recipient_id=recipient.pk, draft=Draft(**draft))
    return Message.objects.get(pk=answer.body["message"]["id"])


def states() -> dict[str, str]:
    return dict(Job.objects.values_list("kind", "state"))


def make_due() -> None:
    """Let every waiting job's time come."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jobs SET run_at = now() WHERE state = 'waiting'")


def exhaust() -> None:
    """Work until every job that fails has used up its attempts."""
    for _ in range(6):
        work_all()
        make_due()


@pytest.mark.req("D3")
@pytest.mark.req("S31")
def test_the_encryption_step_moves_a_message_to_its_session_key(alice: User, bob: User) -> None:
    message = send(alice, bob, metadata={"ward": 7})
    before = message.key_id
    assert not encryption.under_session_key([message])

    work_all([ENCRYPTION])

    message.refresh_from_db()
    assert message.key_id != before
    assert encryption.under_session_key([message]) == {message.pk}
    view = reading.get_message(bob, message.pk)
    assert (view["content"], view["metadata"]) == ("a quiet evening", {"ward": 7})
    assert AuditEvent.objects.filter(action="message.promoted").count() == 1


@pytest.mark.req("S26", "S150", "D11")
def test_every_step_may_run_twice_with_the_same_result(alice: User, bob: User, mails) -> None:
    message = send(alice, bob)
    work_all()
    message.refresh_from_db()
    before = (message.key_id, MessageDelivery.objects.count(), Notification.objects.count())

    with connection.cursor() as cursor:
        cursor.execute("UPDATE jobs SET state = 'waiting', run_at = now()")
    work_all()

    message.refresh_from_db()
    after = (message.key_id, MessageDelivery.objects.count(), Notification.objects.count())
    assert after == before
    assert mails == ["bob@clinic.example"]
    assert MessageSearch.objects.count() == 1


@pytest.mark.req("S28", "S92")
def test_in_app_is_done_by_planning_and_an_email_by_its_own_job(
    alice: User, bob: User, carol: User, mails
) -> None:
    send(alice, bob)
    send(alice, carol)
    work_all()

    rows = Notification.objects.values_list("recipient__username", "channel", "status")
    assert set(rows) == {
        ("bob", "in_app", "sent"),
        ("bob", "email", "sent"),
        ("carol", "in_app", "sent"),  # she has no address
    }
    assert Job.objects.get(kind="send-notification").subject_id
    assert mails == ["bob@clinic.example"]


@pytest.mark.req("S150")
@pytest.mark.req("S44")
def test_a_failed_notification_neither_holds_up_nor_stops_indexing(
    alice: User, bob: User, monkeypatch
) -> None:
    monkeypatch.setattr("messaging.notifications.planning.PLAN", "SELECT 1 / 0")
    send(alice, bob)

    exhaust()

    found = states()
    assert found["plan-notifications"] == "failed"
    assert found["index-message"] == "completed"
    assert MessageDelivery.objects.get().status == "SENT"


@pytest.mark.req("S23")
def test_a_provider_that_is_away_is_tried_as_often_as_its_queue_says(
    alice: User, bob: User, monkeypatch
) -> None:
    calls = []

    def away(self, notice) -> Receipt:
        calls.append(notice)
        raise ChannelError(code="smtp-unreachable")

    monkeypatch.setattr(Email, "send", away)
    send(alice, bob)
    exhaust()

    assert len(calls) == 3
    failed = Notification.objects.get(channel="email")
    assert (failed.status, failed.reason) == ("failed", "smtp-unreachable")
    assert Notification.objects.get(channel="in_app").status == "sent"


def test_a_retried_notification_is_sent_and_the_trail_says_why(
    alice: User, bob: User, operator: User, mails, monkeypatch
) -> None:
    def never(self, notice) -> Receipt:
        raise Rejected(code="smtp-rejected")

    with monkeypatch.context() as patch:
        patch.setattr(Email, "send", never)
        send(alice, bob)
        work_all()
    job = Job.objects.get(kind="send-notification")
    assert (job.state, job.attempts) == ("failed", 1)  # never means at once

    control.retry(job.pk, actor_id=operator.pk, reason="address corrected")
    work_all()

    assert Notification.objects.get(channel="email").status == "sent"
    assert mails == ["bob@clinic.example"]
    assert "address corrected" in AuditEvent.objects.get(action="job.retried").body


@pytest.mark.req("S31", "S52", "S80", "D1")
@pytest.mark.req("S79")
def test_a_message_that_cannot_be_promoted_is_failed_until_a_retry_delivers_it(
    alice: User, bob: User, operator: User
) -> None:
    message = send(alice, bob)
    good = bytes(message.encrypted_content)
    Message.objects.filter(pk=message.pk).update(encrypted_content=b"x" * len(good))

    work_all()

    assert states() == {
        "encrypt-decrypt": "failed",
        "send-message": "blocked",
        "plan-notifications": "blocked",
        "index-message": "blocked",
    }
    delivery = MessageDelivery.objects.get()
    assert (delivery.status, delivery.failure_code) == ("FAILED", "decryption-failed")
    assert reading.get_message(alice, message.pk)["status"] == "FAILED"

    Message.objects.filter(pk=message.pk).update(encrypted_content=good)
    job = Job.objects.get(kind="encrypt-decrypt")
    control.retry(job.pk, actor_id=operator.pk, reason="row restored")
    work_all()

    delivery.refresh_from_db()
    assert (delivery.status, delivery.failure_code) == ("SENT", "")
    assert reading.get_message(alice, message.pk)["status"] == "SENT"
    assert set(states().values()) == {"completed"}


@pytest.mark.req("S26", "S80", "S82")
def test_one_unreadable_message_fails_alone_in_its_batch(alice: User, bob: User) -> None:
    messages = [send(alice, bob) for _ in range(5)]
    Message.objects.filter(pk=messages[2].pk).update(encrypted_content=b"x" * 80)

    work_all()

    failed = Job.objects.filter(state="failed")
    assert [UUID(job.args["messageId"]) for job in failed] == [messages[2].pk]
    assert MessageDelivery.objects.filter(status="SENT").count() == 4


@pytest.mark.req("S10", "S24", "S165")
def test_a_scheduled_message_takes_its_place_when_it_is_due(alice: User, bob: User) -> None:
    later = send(alice, bob, scheduled_at=timezone.now() + timedelta(hours=1))
    first = send(alice, bob)
    work_all()
    assert not MessageDelivery.objects.filter(message=later).exists()
    with pytest.raises(Exception, match="Not found"):
        reading.get_message(bob, later.pk)

    make_due()
    work_all()

    later.refresh_from_db()
    assert (first.seq, later.seq) == (1, 2)
    assert list(Event.objects.order_by("seq").values_list("message_id", flat=True)) == [
        first.pk,
        later.pk,
    ]
    assert MessageDelivery.objects.get(message=later).status == "SENT"


def test_a_scheduled_message_of_somebody_who_left_is_a_dead_letter(
    alice: User, bob: User, carol: User
) -> None:
    from messaging.services.sending import send_group

    started = conversations.start(creator=alice, participant_ids=[bob.pk, carol.pk])
    group = UUID(started.body["id"])
    draft = Draft(content="later", scheduled_at=timezone.now() + timedelta(hours=1))
    send_group(sender=bob, conversation_id=group, draft=draft)
    conversations.remove_participant(actor=alice, conversation_id=group, user_id=bob.pk)

    make_due()
    work_all()

    job = Job.objects.get(kind="send-message", queue=DELIVERY.name)
    assert (job.state, job.error_class) == ("failed", "sender-left")
    assert MessageDelivery.objects.count() == 0
