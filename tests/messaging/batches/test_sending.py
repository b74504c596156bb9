"""Each of many gets a message of their own, once."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from messaging import batches
from messaging.models import (
    AuditEvent,
    Batch,
    BatchRecipient,
    BatchText,
    Conversation,
    Event,
    Message,
    Priority,
    User,
)
from messaging.services import reading
from queueing import progress
from queueing.models import Job
from queueing.queues import BATCH
from queueing.testing import make_due, work_all
from tests.messaging.batches.turns import (
    TEXT,
    Crowd,
    claim_one,
    send,
    sent_to,
    start,
    statuses,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.req("S33")
@pytest.mark.req("S97")
def test_everybody_gets_a_message_of_their_own_in_a_conversation_of_their_own(
    alice: User, bob: User, carol: User
) -> None:
    row = start(alice, [bob, carol])
    work_all()

    for person in (bob, carol):
        [place] = Conversation.objects.of(person)
        [shown] = reading.list_messages(person, place.pk)
        assert (shown["content"], shown["seq"], shown["priority"]) == (TEXT, 1, "LOW")
        assert (shown["isEncrypted"], shown["status"]) == (True, "SENT")
        assert place.kind == "direct" and place.participant_count == 2
    assert set(sent_to(row)) == {bob.pk, carol.pk}
    assert set(statuses(row).values()) == {"sent"}
    assert set(Job.objects.exclude(kind="batch-send").values_list("state", flat=True)) == {
        "completed"
    }


def test_an_accepted_message_is_as_any_other(alice: User, bob: User) -> None:
    from messaging.services.sending import Draft, send_direct

    start(alice, [bob])
    send()
    send_direct(sender=alice, recipient_id=bob.pk, draft=Draft(content=TEXT))

    ours, theirs = Message.objects.order_by("pk")
    same = (
        "conversation_id",
        "sender_id",
        "is_encrypted",
        "protection",
        "key_id",
        "status",
        "kind",
    )
    assert [getattr(ours, name) for name in same] == [getattr(theirs, name) for name in same]
    assert [ours.seq, theirs.seq] == [1, 2]
    assert (ours.priority, theirs.priority) == (Priority.LOW, Priority.NORMAL)
    jobs = [Job.objects.of_run(each.pk) for each in (ours, theirs)]
    shape = [list(each.values_list("kind", "state", "position", "owner_id")) for each in jobs]
    assert shape[0] == shape[1] and len(shape[0]) == 4
    lines = AuditEvent.objects.filter(action="message.accepted").order_by("pk")
    assert [line.target_id for line in lines] == [str(ours.pk), str(theirs.pk)]
    assert list(Event.objects.order_by("seq").values_list("message_id", "type", "actor_id")) == [
        (each.pk, "message.created", alice.pk) for each in (ours, theirs)
    ]


@pytest.mark.req("S95")
@pytest.mark.req("S99")
def test_chunks_are_commits_with_progress_and_a_pause_between_them(
    alice: User, crowd: Crowd
) -> None:
    row = start(alice, crowd(25), chunk_delay=5000)

    seen = []
    for _ in range(3):
        make_due()
        claim_one()
        job = Job.objects.get(pk=row.job_id)
        found = progress.of(job)
        waits = job.run_at > timezone.now() + timedelta(seconds=4)
        seen.append((found["percentage"], found["currentStep"], job.state, waits))
        assert found["totalSteps"] == 3

    assert seen == [
        (40, 1, "waiting", True),
        (80, 2, "waiting", True),
        (100, 3, "completed", False),
    ]


@pytest.mark.req("S96")
def test_a_thousand_people_in_chunks_of_fifty_are_twenty_chunks(alice: User, crowd: Crowd) -> None:
    row = start(alice, crowd(1000), chunk_size=50, notify=False, index=False)

    assert row.steps == 20
    assert row.recipients.count() == 0  # nobody is expanded before their chunk
    claim_one()
    assert row.recipients.count() == 50


@pytest.mark.req("S98")
@pytest.mark.req("S37")
def test_the_result_counts_and_who_is_unknown_harms_nobody(
    alice: User, bob: User, mallory: User, person: Callable[..., User]
) -> None:
    left = person("left", is_active=False)
    nobody = uuid4()

    row = start(alice, [bob, mallory, nobody, left])
    send()

    assert Job.objects.get(pk=row.job_id).result == {
        "success": False,
        "batchId": str(row.pk),
        "total": 4,
        "successCount": 1,
        "failureCount": 3,
    }
    failed = row.recipients.filter(status="failed").values_list("recipient_id", "failure_code")
    assert set(failed) == {(pk, "not-found") for pk in (mallory.pk, nobody, left.pk)}
    assert sent_to(row) == [bob.pk]
    assert not Conversation.objects.filter(participants__user_id=mallory.pk).exists()


def test_a_repeated_person_counts_once(alice: User, bob: User) -> None:
    row = start(alice, [bob, bob, bob])
    send()

    assert (row.total, len(sent_to(row))) == (1, 1)


def test_who_is_written_to_at_once_by_hand_shares_the_conversation(alice: User, bob: User) -> None:
    from messaging.services.sending import Draft, send_direct

    send_direct(sender=bob, recipient_id=alice.pk, draft=Draft(content="first"))
    start(alice, [bob])
    send()

    assert Conversation.objects.count() == 1
    assert list(Message.objects.order_by("seq").values_list("seq", flat=True)) == [1, 2]


def test_a_job_without_its_batch_dies_at_once() -> None:
    told = {"batchId": uuid4(), "senderId": uuid4(), "chunkSize": 1, "chunkDelay": 0}
    batches.send_batch.enqueue(tenant_id=uuid4(), args=told)

    assert work_all([BATCH])["dead"] == 1


def test_a_row_that_was_sent_to_is_never_overwritten(alice: User, bob: User) -> None:
    row = start(alice, [bob])
    send()
    Batch.objects.update(cursor=0, state="running")
    BatchText.objects.create(tenant_id=row.tenant_id, batch=row, number=0, text=TEXT)
    Job.objects.filter(pk=row.job_id).update(state="waiting")

    claim_one()

    assert Job.objects.get(pk=row.job_id).error_class == "recipient-twice"
    assert BatchRecipient.objects.count() == Message.objects.count() == 1
