"""What may be asked for, what is read by whom, and where it is kept."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from messaging import batches
from messaging.errors import EncryptionUnavailable, Invalid, KeyReused
from messaging.models import (
    Batch,
    BatchText,
    Conversation,
    Message,
    User,
)
from messaging.services import batch_lists, reading
from messaging.services.batch_orders import Order
from queueing.models import Job
from queueing.testing import make_due, work_all
from tests.messaging.batches.turns import TEXT, Crowd, claim_one, send, start, statuses, steer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.req("S100")
def test_each_reads_their_own_words(alice: User, bob: User, carol: User) -> None:
    words = {bob.pk: {"name": "Bob", "day": "Monday"}, carol.pk: {"name": "{day}", "day": "5 %"}}
    start(alice, [bob, carol], content="{{Dear}} {name}, {day} {name}! {", variables=words)
    work_all()

    for who, text in ((bob, "{Dear} Bob, Monday Bob! {"), (carol, "{Dear} {day}, 5 % {day}! {")):
        [place] = Conversation.objects.of(who)
        assert [each["content"] for each in reading.list_messages(who, place.pk)] == [text]


def test_without_variables_a_brace_is_a_brace(alice: User, bob: User) -> None:
    start(alice, [bob], content="{name} {{x}}")
    work_all()

    [place] = Conversation.objects.of(bob)
    assert reading.list_messages(bob, place.pk)[0]["content"] == "{name} {{x}}"


def test_words_are_found_in_every_chunk_and_in_a_retry(alice: User, crowd: Crowd) -> None:
    people = crowd(7)
    User.objects.filter(pk=people[5].pk).update(is_active=False)
    words = {each.pk: {"name": each.username} for each in people}
    row = start(alice, people, content="Hi {name}", variables=words, chunk_size=2)
    send()
    User.objects.filter(pk=people[5].pk).update(is_active=True)
    steer(alice, row, "retry")
    work_all()

    for each in people:
        [place] = Conversation.objects.of(each)
        [shown] = reading.list_messages(each, place.pk)
        assert shown["content"] == f"Hi {each.username}"


@pytest.mark.parametrize(
    ("order", "pointer"),
    [
        ({"recipient_ids": []}, "/recipientIds"),
        ({"content": ""}, "/content"),
        ({"content": "x" * 10_001}, "/content"),
        ({"chunk_size": 0}, "/chunkSize"),
        ({"chunk_size": 101}, "/chunkSize"),
        ({"chunk_delay": 5001}, "/chunkDelay"),
        ({"batch_id": "a b"}, "/batchId"),
        ({"content": "{a}", "variables": {"bob": {"a": "1", "b/c": "2"}}}, "/variables/{bob}/b~1c"),
        ({"content": "{a} {b}", "variables": {"bob": {"a": "1"}}}, "/variables/{bob}"),
        ({"content": "{a}", "variables": {"bob": {"a": "x" * 600}}}, "/variables/{bob}"),
        ({"content": "{a}" * 30, "variables": {"bob": {"a": "x" * 400}}}, "/variables/{bob}"),
        ({"content": "{a}", "variables": {"eve": {"a": "1"}}}, "/variables/{eve}"),
    ],
)
def test_an_order_out_of_bounds_is_refused_and_stores_nothing(
    alice: User, bob: User, eve: User, order: dict[str, Any], pointer: str
) -> None:
    ids = {"bob": bob.pk, "eve": eve.pk}
    if "variables" in order:
        order = order | {"variables": {ids[who]: w for who, w in order["variables"].items()}}

    with pytest.raises(Invalid) as refusal:
        start(alice, [bob], **order)

    assert refusal.value.pointer == pointer.format(**ids)
    assert not Batch.objects.exists() and not Job.objects.exists()


def test_nobody_announces_to_themselves(alice: User, bob: User) -> None:
    with pytest.raises(Invalid) as refusal:
        start(alice, [bob, alice])

    assert refusal.value.pointer == "/recipientIds/1"


def test_the_same_order_under_one_name_is_accepted_once(alice: User, bob: User) -> None:
    order = Order(recipient_ids=[bob.pk], content=TEXT, batch_id="batch-001")

    answers = [batches.start_batch(sender=alice, order=order) for _ in range(2)]
    send()

    assert answers[0].body == answers[1].body and answers[1].replayed
    assert answers[0].body["batchId"] == "batch-001"
    assert Message.objects.count() == 1
    other = Order(recipient_ids=[bob.pk], content="Something else", batch_id="batch-001")
    with pytest.raises(KeyReused):
        batches.start_batch(sender=alice, order=other)


def test_a_name_belongs_to_its_sender(alice: User, bob: User) -> None:
    start(alice, [bob], batch_id="b-1")

    assert start(bob, [alice], batch_id="b-1").sender_id == bob.pk


def test_what_it_says_is_sealed_and_stands_nowhere_else(alice: User, bob: User) -> None:
    words = {bob.pk: {"name": "marzipan"}}
    start(alice, [bob], content=f"{TEXT} {{name}}", variables=words)

    assert all(text.sealed and not text.text for text in BatchText.objects.all())
    assert BatchText.objects.count() == 2
    with connection.cursor() as cursor:
        for table in ("batches", "batch_texts", "jobs", "audit_events", "idempotency"):
            cursor.execute(f"SELECT count(*) FROM {table} t WHERE t::text ~ 'marmalade|marzipan'")
            assert cursor.fetchone() == (0,), table


def test_a_text_opens_only_as_what_it_was_sealed_for(alice: User, bob: User) -> None:
    first, second = start(alice, [bob]), start(alice, [bob])
    theirs = second.texts.get()
    first.texts.update(
        sealed=theirs.sealed,
        encryption_metadata=theirs.encryption_metadata,
    )

    claim_one()

    assert Job.objects.get(pk=first.job_id).error_class == "EncryptionUnavailable"
    assert statuses(first) == {}


def test_a_plain_batch_is_kept_plain(alice: User, bob: User) -> None:
    row = start(alice, [bob], encrypted=False)

    assert row.texts.get().text == TEXT
    send()
    assert Message.objects.get().content == TEXT


def test_what_it_says_is_gone_when_everybody_has_it(alice: User, bob: User) -> None:
    row = start(alice, [bob])
    send()

    assert not row.texts.exists()


def test_what_it_says_is_kept_for_a_retry_and_then_forgotten(
    alice: User, bob: User, settings: Any
) -> None:
    row = start(alice, [bob, uuid4()])
    send(1)
    assert row.texts.exists()
    claim_one()
    assert row.texts.exists()  # its time has not come

    Batch.objects.update(finished_at=timezone.now() - timedelta(days=8))
    make_due()
    claim_one()

    assert not row.texts.exists()
    assert not batch_lists.get(alice, row.batch_id)["retryable"]


def test_encryption_that_is_off_refuses_a_sealed_batch(
    alice: User, bob: User, settings: Any
) -> None:
    settings.ENCRYPTION_ENABLED = False

    with pytest.raises(EncryptionUnavailable):
        start(alice, [bob], encrypted=True)
    assert not Batch.objects.exists()
