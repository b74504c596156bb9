"""Accepting a message: all of it or nothing, once, in order."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from messaging.errors import EncryptionUnavailable, Invalid, KeyReused, NotFound
from messaging.models import (
    AuditEvent,
    Conversation,
    Event,
    Idempotency,
    Message,
    Priority,
    Tenant,
    User,
)
from messaging.services import conversations
from messaging.services.idempotency import Answer, Key
from messaging.services.sending import Draft, send_direct, send_group
from queueing.models import Job

pytestmark = pytest.mark.django_db

TEXT = "The results are in, marmalade."


def key(value: str = "k-1", body: bytes = b"{}") -> Key:
    return Key.of(value, "POST", "/messages/direct", body)


def counts() -> list[int]:
    tables = (Message, Event, Job, AuditEvent, Idempotency, Conversation)
    return [table.objects.count() for table in tables]


def send(alice: User, bob: User, **draft: object) -> Answer:
    return send_direct(sender=alice, recipient_id=bob.pk, draft=Draft(content=TEXT, **draft))


@pytest.mark.req("S41", "S42", "S54", "S69")
@pytest.mark.req("S49")
def test_a_sealed_send_stores_ciphertext_event_and_four_jobs(alice: User, bob: User) -> None:
    answer = send(alice, bob, encrypted=True)

    row = Message.objects.get()
    assert answer.status == 202
    assert (row.seq, row.content, row.is_encrypted) == (1, "", True)
    assert TEXT.encode() not in bytes(row.encrypted_content or b"")
    assert Event.objects.get().message_id == row.pk
    jobs = dict(Job.objects.values_list("kind", "state"))
    assert jobs == {
        "encrypt-decrypt": "waiting",
        "send-message": "blocked",
        "plan-notifications": "blocked",
        "index-message": "blocked",
    }
    ids = answer.body["queue"]["jobIds"]
    assert set(ids.values()) == {str(pk) for pk in Job.objects.values_list("pk", flat=True)}


@pytest.mark.req("S54", "S69")
@pytest.mark.req("S44")
def test_a_plain_send_has_no_encryption_job_and_starts_at_delivery(alice: User, bob: User) -> None:
    answer = send(alice, bob, encrypted=False)

    assert answer.body["queue"]["jobIds"]["encryption"] is None
    assert Job.objects.get(kind="send-message").state == "waiting"
    assert Message.objects.get().content == TEXT


def test_optional_steps_are_left_out_on_request(alice: User, bob: User) -> None:
    answer = send(alice, bob, notify=False, index=False)

    ids = answer.body["queue"]["jobIds"]
    assert ids["notification"] is None and ids["indexing"] is None
    assert set(Job.objects.values_list("kind", flat=True)) == {"encrypt-decrypt", "send-message"}


def test_seq_counts_the_events_of_a_conversation_without_a_gap(alice: User, bob: User) -> None:
    seqs = [send(alice, bob).body["message"]["seq"] for _ in range(3)]
    seqs += [send(bob, alice).body["message"]["seq"]]

    assert seqs == [1, 2, 3, 4]
    assert Conversation.objects.get().head_seq == 4


@pytest.mark.req("S20", "S25", "D5")
def test_job_arguments_hold_ids_only(alice: User, bob: User) -> None:
    send(alice, bob, metadata={"ward": "marmalade"})

    row = Message.objects.get()
    ids = {"messageId": str(row.pk), "conversationId": str(row.conversation_id)}
    assert [job.args for job in Job.objects.all()] == [ids] * 4


@pytest.mark.req("S67", "D2")
@pytest.mark.req("S144")
def test_encrypted_true_is_refused_while_encryption_is_off(
    alice: User, bob: User, settings
) -> None:
    settings.ENCRYPTION_ENABLED = False
    before = counts()

    with pytest.raises(EncryptionUnavailable):
        send(alice, bob, encrypted=True)

    assert counts() == before


def test_a_preferring_tenant_sends_plain_and_audits_it_while_encryption_is_off(
    alice: User, bob: User, settings
) -> None:
    settings.ENCRYPTION_ENABLED = False

    send(alice, bob)

    assert Message.objects.get().content == TEXT
    assert '"degraded":true' in AuditEvent.objects.get(action="message.accepted").body


@pytest.mark.req("D2")
def test_a_requiring_tenant_never_stores_plain(clinic: Tenant, alice: User, bob: User) -> None:
    clinic.encryption = Tenant.Encryption.REQUIRED
    clinic.save()
    alice.refresh_from_db()

    with pytest.raises(Invalid):
        send(alice, bob, encrypted=False)
    send(alice, bob)

    assert Message.objects.get().is_encrypted


@pytest.mark.req("D15")
def test_the_same_key_answers_the_same_and_stores_once(alice: User, bob: User) -> None:
    draft = Draft(content=TEXT)
    first = send_direct(sender=alice, recipient_id=bob.pk, draft=draft, key=key())
    before = counts()

    second = send_direct(sender=alice, recipient_id=bob.pk, draft=draft, key=key())

    assert (second.replayed, second.body, second.status) == (True, first.body, 202)
    assert counts() == before


def test_the_same_key_with_another_body_is_refused(alice: User, bob: User) -> None:
    send_direct(sender=alice, recipient_id=bob.pk, draft=Draft(content=TEXT), key=key())

    with pytest.raises(KeyReused):
        send_direct(
            sender=alice, recipient_id=bob.pk, draft=Draft(content="other"), key=key(body=b"x")
        )

    assert Message.objects.count() == 1


def test_an_expired_key_may_be_used_again(alice: User, bob: User) -> None:
    send_direct(sender=alice, recipient_id=bob.pk, draft=Draft(content=TEXT), key=key())
    Idempotency.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    again = send_direct(sender=alice, recipient_id=bob.pk, draft=Draft(content=TEXT), key=key())

    assert not again.replayed
    assert Message.objects.count() == 2


def test_a_client_message_id_makes_a_repeated_send_one_message(alice: User, bob: User) -> None:
    first = send(alice, bob, client_message_id="c-1")
    second = send(alice, bob, client_message_id="c-1")

    assert second.replayed and second.body == first.body
    assert Message.objects.count() == 1


def test_two_senders_may_use_the_same_client_message_id(alice: User, bob: User) -> None:
    send(alice, bob, client_message_id="c-1")
    send(bob, alice, client_message_id="c-1")

    assert Message.objects.count() == 2


def test_what_the_idempotency_row_remembers_does_not_tell_the_content(
    alice: User, bob: User
) -> None:
    send(alice, bob, client_message_id="c-1")

    row = Idempotency.objects.get()
    assert TEXT not in str(row.response)
    assert row.expires_at is None


@pytest.mark.req("S10")
def test_a_scheduled_message_has_its_jobs_and_no_place_yet(alice: User, bob: User) -> None:
    due = timezone.now() + timedelta(hours=1)

    answer = send(alice, bob, scheduled_at=due)

    assert answer.body["message"]["seq"] is None
    assert Event.objects.count() == 0
    assert Job.objects.get(kind="encrypt-decrypt").run_at == due


@pytest.mark.req("S56")
def test_a_failed_insert_leaves_nothing_behind(alice: User, bob: User, monkeypatch) -> None:
    send(alice, bob)
    before = counts()
    monkeypatch.setattr(Message, "save", lambda *a, **k: _break())

    with pytest.raises(IntegrityError), transaction.atomic():
        send(alice, bob)

    assert counts() == before


def test_mallory_cannot_send_to_a_person_of_another_tenant(alice: User, mallory: User) -> None:
    with pytest.raises(NotFound):
        send(mallory, alice)

    assert Message.objects.count() == 0


def test_mallory_and_eve_cannot_send_into_a_conversation_of_others(
    alice: User, bob: User, eve: User, mallory: User
) -> None:
    conversation = conversations.direct(alice, bob.pk)

    for stranger in (eve, mallory):
        with pytest.raises(NotFound):
            send_group(sender=stranger, conversation_id=conversation, draft=Draft(content=TEXT))
    with pytest.raises(NotFound):
        send_group(sender=alice, conversation_id=uuid4(), draft=Draft(content=TEXT))


def test_nobody_writes_to_themselves(alice: User) -> None:
    with pytest.raises(Invalid):
        send(alice, alice)


@pytest.mark.req("S38")
def test_limits_of_the_content_are_told_by_field(alice: User, bob: User) -> None:
    for content in ("", "x" * 10_001):
        with pytest.raises(Invalid) as refused:
            send_direct(sender=alice, recipient_id=bob.pk, draft=Draft(content=content))
        assert refused.value.pointer == "/content"


@pytest.mark.req("S9", "S165")
def test_priority_goes_with_the_jobs(alice: User, bob: User) -> None:
    send(alice, bob, priority=Priority.CRITICAL)

    assert set(Job.objects.values_list("priority", flat=True)) == {Priority.CRITICAL}


def _break() -> None:
    raise IntegrityError("planted")
