"""Races that were seen to go wrong, each made to happen on connections of its own."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier
from typing import Any, TypeVar

import pytest
from django.db import connection, transaction

from messaging import encryption
from messaging.errors import NotFound, PreconditionFailed
from messaging.models import Conversation, Event, Idempotency, Message, Participant, User
from messaging.services import changing, conversations
from messaging.services.idempotency import Answer, Key
from messaging.services.sending import Draft, send_direct, send_group
from queueing.models import Job
from queueing.queues import ENCRYPTION
from queueing.testing import work_all

pytestmark = pytest.mark.django_db(transaction=True)

T = TypeVar("T")
# Not pg_stat_activity: a transaction sees that as it was at the first look.
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


def on_its_own(function: Callable[..., T], *args: Any, **kwargs: Any) -> Callable[[], T]:
    """*function* as something for a thread, whose connection is closed at the end."""

    def call() -> T:
        try:
            return function(*args, **kwargs)
        finally:
            connection.close()

    return call


def until_it_waits(number: int = 1) -> None:
    """Come back when *number* other connections wait for a lock of ours."""
    deadline = time.monotonic() + 2.5  # below the lock timeout
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(WAITING)
            if cursor.fetchone()[0] == number:
                return
            time.sleep(0.01)
    raise AssertionError("nobody waits")


def meanwhile(ours: Callable[[], Any], theirs: Callable[[], T]) -> Future[T]:
    """What *theirs* comes to when it runs into the open transaction in which *ours* was done."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            ours()
            future = pool.submit(theirs)
            until_it_waits()
        future.exception(10)
    return future


def group(owner: User, *others: User) -> Conversation:
    answer = conversations.start(creator=owner, participant_ids=[other.pk for other in others])
    return Conversation.objects.get(pk=answer.body["id"])


def text_of(row: Message) -> str:
    return encryption.open_messages([row])[row.pk].text


def edited(actor: User, content: str) -> Callable[[], object]:
    """Edits the only message there is, as its first version."""

    def edit() -> object:
        pk = Message.objects.values_list("pk", flat=True).get()
        return changing.edit_message(actor=actor, message_id=pk, content=content, versions={1})

    return edit


@pytest.mark.parametrize("sealed_again", [True, False], ids=["sealed", "plain"])
def test_a_row_changed_between_accept_and_promote_is_not_overwritten(
    alice: User, bob: User, sealed_again: bool
) -> None:
    draft = Draft(content="The first wording.", encrypted=True)
    send_direct(sender=alice, recipient_id=bob.pk, draft=draft)

    def edit() -> None:
        row = Message.objects.select_for_update().get()
        fresh = Message(pk=row.pk, tenant_id=row.tenant_id, conversation_id=row.conversation_id)
        encryption.fill(fresh, "The second wording.", None, sealed=sealed_again)
        for name in ("content", "is_encrypted", "encrypted_content", "sealed_metadata"):
            setattr(row, name, getattr(fresh, name))
        row.encryption_metadata = fresh.encryption_metadata
        row.encryption_version = fresh.encryption_version
        row.save()

    meanwhile(edit, on_its_own(work_all, [ENCRYPTION])).result()

    row = Message.objects.get()
    assert text_of(row) == "The second wording."
    assert bool(encryption.under_session_key([row])) is sealed_again
    assert Job.objects.get(kind="encrypt-decrypt").state == "completed"


def test_an_edit_made_before_the_encryption_step_is_what_is_promoted(
    alice: User, bob: User
) -> None:
    draft = Draft(content="The first wording.", encrypted=True)
    send_direct(sender=alice, recipient_id=bob.pk, draft=draft)

    meanwhile(edited(alice, "The second wording."), on_its_own(work_all, [ENCRYPTION])).result()
    work_all()

    row = Message.objects.get()
    assert (text_of(row), row.version) == ("The second wording.", 2)
    assert encryption.under_session_key([row])
    assert set(Job.objects.values_list("state", flat=True)) == {"completed"}


def test_an_edit_that_waits_for_another_is_told_that_it_is_stale(alice: User, bob: User) -> None:
    send_direct(sender=alice, recipient_id=bob.pk, draft=Draft(content="The first wording."))

    late = on_its_own(edited(alice, "The third wording."))

    assert isinstance(
        meanwhile(edited(alice, "The second wording."), late).exception(), PreconditionFailed
    )
    assert text_of(Message.objects.get()) == "The second wording."


def test_a_member_removed_while_their_edit_waits_cannot_change_a_word(
    alice: User, bob: User
) -> None:
    place = group(alice, bob).pk
    send_group(sender=bob, conversation_id=place, draft=Draft(content="The first wording."))

    def remove() -> None:
        conversations.remove_participant(actor=alice, conversation_id=place, user_id=bob.pk)

    late = on_its_own(edited(bob, "One last word."))

    assert isinstance(meanwhile(remove, late).exception(), NotFound)
    assert text_of(Message.objects.get()) == "The first wording."


def test_a_member_removed_while_their_accept_waits_cannot_send(alice: User, bob: User) -> None:
    place = group(alice, bob).pk
    jobs = Job.objects.count()

    def remove() -> None:
        conversations.remove_participant(actor=alice, conversation_id=place, user_id=bob.pk)

    key = Key.of("k-1", "POST", "/messages/group", b"{}")
    draft = Draft(content="One last word.", client_message_id="m-1")
    late = on_its_own(send_group, sender=bob, conversation_id=place, draft=draft, key=key)

    assert isinstance(meanwhile(remove, late).exception(), NotFound)
    assert (Message.objects.count(), Idempotency.objects.count()) == (0, 0)
    assert Job.objects.count() == jobs
    assert [event.type for event in Event.objects.all()] == ["participant.removed"]


def test_a_member_who_stays_sends_although_another_was_removed_while_they_waited(
    alice: User, bob: User, carol: User
) -> None:
    place = group(alice, bob, carol).pk

    def remove() -> None:
        conversations.remove_participant(actor=alice, conversation_id=place, user_id=carol.pk)

    draft = Draft(content="Still here.")
    late = on_its_own(send_group, sender=bob, conversation_id=place, draft=draft)

    assert meanwhile(remove, late).result().body["message"]["seq"] == 2
    assert Conversation.objects.get().head_seq == 2


def test_two_who_write_at_once_get_one_conversation(alice: User, bob: User) -> None:
    def send(sender: User, recipient: User) -> Answer:
        draft = Draft(content=f"{sender} asks.")
        return send_direct(sender=sender, recipient_id=recipient.pk, draft=draft)

    answer = meanwhile(lambda: send(alice, bob), on_its_own(send, bob, alice)).result()

    assert answer.body["message"]["seq"] == 2
    assert Conversation.objects.count() == 1
    assert Participant.objects.count() == 2
    assert sorted(Message.objects.values_list("seq", flat=True)) == [1, 2]


@pytest.mark.parametrize("by", ["header", "client id"])
def test_twins_with_one_key_store_one_message(alice: User, bob: User, by: str) -> None:
    key = Key.of("k-1", "POST", "/messages/direct", b"{}") if by == "header" else None
    draft = Draft(content="Once.", client_message_id="m-1" if by == "client id" else None)
    twins = 6
    barrier = Barrier(twins)

    def send() -> Answer:
        barrier.wait(5)
        return send_direct(sender=alice, recipient_id=bob.pk, draft=draft, key=key)

    with ThreadPoolExecutor(twins) as pool:
        answers = [f.result() for f in [pool.submit(on_its_own(send)) for _ in range(twins)]]

    assert Message.objects.count() == 1
    assert {answer.body["message"]["id"] for answer in answers} == {str(Message.objects.get().pk)}
    assert {answer.body["message"]["seq"] for answer in answers} == {1}
    assert sorted(answer.replayed for answer in answers) == [False] + [True] * (twins - 1)
