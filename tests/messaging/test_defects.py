"""Defects of an earlier implementation that must not return; the others stand where they belong."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection

from crypto_core.service import encryption as crypto
from messaging import encryption, workflow
from messaging.models import Message, MessageDelivery, MessageSearch, Notification, User
from messaging.services import conversations, reading
from messaging.services.sending import Draft, send_direct
from queueing.models import Job, JobAttempt
from queueing.queues import BY_NAME, DELIVERY, ENCRYPTION, INDEXING, NOTIFICATION
from queueing.testing import make_due, work_all

pytestmark = pytest.mark.django_db(transaction=True)

BREAKS = {
    "encrypt-decrypt": "messaging.encryption.promote",
    "send-message": "messaging.stages.deliver._record",
    "plan-notifications": "messaging.notifications.planning.plan",
    "index-message": "messaging.search.index.write",
}


def send(sender: User, recipient: User, content: str = "a quiet evening", **more) -> Message:
    draft = Draft(content=content, **more)
    answer = send_direct(sender=sender, recipient_id=recipient.pk, draft=draft)
    return Message.objects.get(pk=answer.body["message"]["id"])


def text(reader: User, row: Message) -> str:
    return str(reading.get_message(reader, row.pk)["content"])


@pytest.mark.req("D1")
@pytest.mark.parametrize("kind", BREAKS)
def test_a_step_that_raises_is_tried_as_often_as_its_queue_says_and_then_dead(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    calls = []

    def broken(*_: object, **__: object) -> None:
        calls.append(kind)
        raise RuntimeError("a canary sings")

    monkeypatch.setattr(BREAKS[kind], broken)
    send(alice, bob)

    for _ in range(8):
        work_all()
        make_due()

    job = Job.objects.get(kind=kind)
    assert (job.state, job.result) == ("failed", None)
    assert job.attempts == len(calls) == BY_NAME[job.queue].attempts
    assert JobAttempt.objects.filter(job_id=job.pk).count() == job.attempts
    assert job.error == "RuntimeError"


@pytest.mark.req("D3")
@pytest.mark.parametrize("steps", [0, 1, 9], ids=["accepted", "encrypted", "delivered"])
def test_what_is_stored_describes_itself_and_opens_after_every_step(
    alice: User, bob: User, steps: int
) -> None:
    row = send(alice, bob, "Grüße 👋", encrypted=True, metadata={"ward": 7})
    if steps:
        work_all([ENCRYPTION] if steps == 1 else None)

    row = Message.objects.get()

    assert set(row.encryption_metadata) == {"algorithm", "iv", "authTag", "keyId"}
    opened = encryption.open_messages([row], use_cache=False)[row.pk]
    assert (opened.text, opened.metadata, opened.error) == ("Grüße 👋", {"ward": 7}, None)


@pytest.mark.req("D4")
def test_a_step_waits_for_the_one_before_it_however_long_that_takes(alice: User, bob: User) -> None:
    send(alice, bob)
    lanes = [DELIVERY, NOTIFICATION, INDEXING]

    with connection.cursor() as cursor:
        cursor.execute("UPDATE jobs SET run_at = now() - interval '1 day'")
    assert work_all(lanes)["done"] == 0
    assert not MessageDelivery.objects.exists() and not MessageSearch.objects.exists()

    work_all([ENCRYPTION])
    assert work_all([NOTIFICATION, INDEXING])["done"] == 0
    work_all([DELIVERY])
    work_all([NOTIFICATION, INDEXING])
    assert set(Job.objects.values_list("state", flat=True)) == {"completed"}
    positions = {step.name: step.position for step in workflow.MESSAGE.steps}
    assert positions == {"encryption": 0, "delivery": 1, "notification": 2, "indexing": 2}


@pytest.mark.req("D6")
def test_messages_open_after_rotations_days_and_the_loss_of_every_cache(
    alice: User, bob: User, carol: User
) -> None:
    rows = []
    for content in ("the first", "the second", "the third"):
        rows.append(send(alice, bob, content, encrypted=True))
        work_all()
        encryption.rotate(alice.tenant_id, rows[0].conversation_id, "a test")
    keys = set(Message.objects.values_list("key_id", flat=True))

    forget_keys()
    with time_machine.travel(rows[0].created_at + timedelta(days=30)):
        assert [text(bob, row) for row in rows] == ["the first", "the second", "the third"]

    assert len(keys) == 3


@pytest.mark.req("D11")
def test_a_delivery_is_one_row_however_often_it_is_tried(
    alice: User, bob: User, carol: User
) -> None:
    from messaging.services.sending import send_group

    started = conversations.start(creator=alice, participant_ids=[bob.pk, carol.pk])
    draft = Draft(content="to both")
    send_group(sender=alice, conversation_id=started.body["id"], draft=draft)
    for _ in range(3):
        work_all()
        with connection.cursor() as cursor:
            cursor.execute("UPDATE jobs SET state = 'waiting', run_at = now()")
    work_all()

    people = MessageDelivery.objects.values_list("recipient_id", flat=True)
    assert sorted(people) == sorted([bob.pk, carol.pk])
    told = Notification.objects.filter(channel="in_app").values_list("recipient_id", flat=True)
    assert sorted(told) == sorted([bob.pk, carol.pk])


def forget_keys() -> None:
    """What a restart does to the cache of a process."""
    crypto.cache_clear()
