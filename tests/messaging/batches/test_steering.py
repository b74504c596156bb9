"""Pausing, resuming, cancelling, and going on with those who are missing."""

from uuid import uuid4

import pytest

from messaging import batches
from messaging.errors import Conflict, NotFound
from messaging.models import (
    AuditEvent,
    Message,
    User,
)
from messaging.services import batch_lists
from queueing import control
from queueing.models import Job
from queueing.queues import BATCH
from queueing.testing import make_due
from tests.messaging.batches.turns import Crowd, claim_one, send, sent_to, start, statuses, steer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.req("D12")
def test_a_retry_goes_to_those_who_are_missing_and_to_nobody_else(
    alice: User, bob: User, carol: User
) -> None:
    User.objects.filter(pk=carol.pk).update(is_active=False)
    row = start(alice, [bob, carol])
    send()
    assert statuses(row) == {bob.pk: "sent", carol.pk: "failed"}
    User.objects.filter(pk=carol.pk).update(is_active=True)

    view = steer(alice, row, "retry")
    send()

    assert (view["state"], view["jobId"]) != ("completed", str(row.job_id))
    assert view["progress"]["totalSteps"] == 1
    assert sorted(sent_to(row)) == sorted([bob.pk, carol.pk])
    row.refresh_from_db()
    assert (row.state, set(statuses(row).values())) == ("completed", {"sent"})
    assert dict(row.recipients.values_list("recipient_id", "attempts")) == {bob.pk: 1, carol.pk: 2}
    assert not row.texts.exists()
    with pytest.raises(Conflict):
        steer(alice, row, "retry")


def test_a_paused_batch_sends_nothing_until_it_is_resumed(alice: User, crowd: Crowd) -> None:
    row = start(alice, crowd(3), chunk_size=1)
    claim_one()

    assert steer(alice, row, "pause")["state"] == "paused"
    claim_one()
    claim_one()
    assert len(sent_to(row)) == 1
    with pytest.raises(Conflict):
        steer(alice, row, "pause")

    assert steer(alice, row, "resume")["state"] == "running"
    assert claim_one()  # resuming makes it due at once
    send()
    assert len(set(sent_to(row))) == 3


def test_a_cancelled_batch_sends_to_nobody_else_for_good(alice: User, crowd: Crowd) -> None:
    row = start(alice, crowd(3), chunk_size=1)
    claim_one()

    view = steer(alice, row, "cancel")
    send()

    assert (view["state"], view["remaining"], view["retryable"]) == ("cancelled", 2, False)
    assert len(sent_to(row)) == 1
    assert Job.objects.get(pk=row.job_id).state == "cancelled"
    assert not row.texts.exists()
    for verb in ("pause", "resume", "cancel", "retry"):
        with pytest.raises(Conflict):
            steer(alice, row, verb)


def test_a_cancelled_job_is_a_cancelled_batch(alice: User, bob: User) -> None:
    row = start(alice, [bob])

    control.cancel(row.job_id, reason="an operator's")

    row.refresh_from_db()
    assert row.state == "cancelled" and not row.texts.exists()


@pytest.mark.req("D12")
@pytest.mark.parametrize("way", ["job", "batch"])
def test_a_dead_batch_goes_on_where_it_stood(
    alice: User, crowd: Crowd, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = start(alice, crowd(4), chunk_size=2)
    claim_one()
    with monkeypatch.context() as patch:
        patch.setattr(batches, "_write", lambda *_: 1 / 0)
        for _ in range(BATCH.attempts):
            make_due()
            claim_one()
    row.refresh_from_db()
    assert (row.state, row.cursor, len(sent_to(row))) == ("failed", 2, 2)

    if way == "job":
        control.retry(row.job_id)
        row.refresh_from_db()
        assert row.state == "running"
    else:
        steer(alice, row, "retry")
    send()

    row.refresh_from_db()
    assert (row.state, row.cursor) == ("completed", 4)
    assert len(sent_to(row)) == len(set(sent_to(row))) == 4


def test_a_batch_whose_sender_was_shut_out_stops(alice: User, bob: User) -> None:
    row = start(alice, [bob])
    User.objects.filter(pk=alice.pk).update(is_active=False)

    claim_one()

    assert Job.objects.get(pk=row.job_id).error_class == "sender-disabled"
    assert not Message.objects.exists()


def test_every_turn_is_in_the_trail(alice: User, bob: User) -> None:
    row = start(alice, [bob, uuid4()])
    steer(alice, row, "pause")
    steer(alice, row, "resume")
    send()
    steer(alice, row, "retry")
    send()

    lines = AuditEvent.objects.filter(target_id=str(row.pk)).order_by("pk")
    assert [line.action for line in lines] == [
        "batch.started", "batch.pause", "batch.resume", "batch.finished", "batch.retry",
        "batch.finished",
    ]  # fmt: skip
    assert [line.actor_id for line in lines][:3] == [alice.pk] * 3


def test_mallory_neither_sees_nor_steers_it(alice: User, bob: User, mallory: User) -> None:
    row = start(alice, [bob])

    for other in (mallory, bob):
        with pytest.raises(NotFound):
            batch_lists.get(other, row.batch_id)
        with pytest.raises(NotFound):
            steer(other, row, "cancel")
        assert batch_lists.list_of(other, limit=10) == []
