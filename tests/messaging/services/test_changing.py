"""Editing and deleting one's own messages: what stands afterwards, everywhere."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import transaction
from django.utils import timezone

from messaging import encryption, events
from messaging.errors import (
    Conflict,
    EncryptionUnavailable,
    Forbidden,
    Invalid,
    NotFound,
    PreconditionFailed,
)
from messaging.models import (
    AuditEvent,
    Conversation,
    Event,
    Message,
    MessageSearch,
    Notification,
    Tenant,
    User,
)
from messaging.services import changing, conversations, reading, removing
from messaging.services.searching import search
from messaging.services.sending import Draft, send_direct, send_group
from queueing.models import Job
from queueing.testing import work_all

pytestmark = pytest.mark.django_db(transaction=True)


def send(sender: User, recipient: User, content: str = "a quiet evening", **more) -> Message:
    draft = Draft(content=content, **more)
    answer = send_direct(sender=sender, recipient_id=recipient.pk, draft=draft)
    return Message.objects.get(pk=answer.body["message"]["id"])


def edit(actor: User, row: Message, content: str = "a loud morning", version: int = 1, **more):
    return changing.edit_message(
        actor=actor, message_id=row.pk, content=content, versions={version}, **more
    )


def delete(actor: User, row: Message, version: int = 1) -> int | None:
    return changing.delete_message(actor=actor, message_id=row.pk, versions={version})


@pytest.mark.req("S32")
@pytest.mark.parametrize("encrypted", [True, False])
def test_an_edit_is_what_everybody_reads_and_finds(alice: User, bob: User, encrypted: bool) -> None:
    row = send(alice, bob, encrypted=encrypted, metadata={"ward": 7})
    work_all()

    answer = edit(alice, row)
    work_all()

    view = reading.get_message(bob, row.pk)
    assert (view["content"], view["metadata"], view["version"]) == (
        "a loud morning",
        {"ward": 7},
        2,
    )
    assert view["editedAt"] and view["isEncrypted"] is encrypted
    assert [found["id"] for found in search(bob, q="morning")] == [str(row.pk)]
    assert search(bob, q="evening") == []
    assert (answer["queue"]["jobIds"]["encryption"] is not None) is encrypted
    assert set(Job.objects.filter(subject_id=row.pk).values_list("state", flat=True)) == {
        "completed"
    }
    trail = AuditEvent.objects.get(action="message.edited")
    assert trail.actor_id == alice.pk and "morning" not in trail.body


def test_an_edit_is_sealed_before_it_is_written_and_promoted_by_its_own_run(
    alice: User, bob: User
) -> None:
    row = send(alice, bob, encrypted=True)
    work_all()
    row.refresh_from_db()
    before = row.key_id

    edit(alice, row)
    row.refresh_from_db()
    assert row.content == "" and not encryption.under_session_key([row])
    work_all()

    row.refresh_from_db()
    assert row.key_id == before
    job = Job.objects.get(subject_id=row.pk, kind="encrypt-decrypt")
    assert job.run_id != row.pk and job.args["seq"] == 2


def test_the_log_shows_the_present_text_wherever_the_message_stands(alice: User, bob: User) -> None:
    row = send(alice, bob)
    work_all()
    edit(alice, row)

    entries = events.read(row.conversation_id, 0)
    frames = events.frames(entries, "open")

    assert [entry.type for entry in entries] == ["message.created", "message.updated"]
    assert {frame["data"]["content"] for frame in frames} == {"a loud morning"}
    assert frames[1]["data"]["version"] == 2 and frames[1]["data"]["editedAt"]


def test_who_reads_sealed_waits_for_the_key_and_not_for_ever(alice: User, bob: User) -> None:
    row = send(alice, bob)
    work_all()
    edit(alice, row)
    entries = events.read(row.conversation_id, 0)
    assert events.frames(entries, "sealed") == [None, None]

    Message.objects.update(edited_at=timezone.now() - timedelta(hours=1))
    late = events.frames(events.read(row.conversation_id, 0), "sealed")
    assert late[1]["data"]["error"] == {"code": "encryption-failed"}

    work_all()
    frames = events.frames(events.read(row.conversation_id, 0), "sealed")
    assert frames[1]["data"]["encryptionMetadata"]["keyId"]


def test_an_edit_of_what_was_never_indexed_stays_out_of_the_index(alice: User, bob: User) -> None:
    row = send(alice, bob, index=False)
    work_all()
    edit(alice, row)
    work_all()

    assert not MessageSearch.objects.exists()


def test_a_stale_version_changes_nothing(alice: User, bob: User) -> None:
    row = send(alice, bob)
    edit(alice, row)

    with pytest.raises(PreconditionFailed):
        edit(alice, row, "too late")
    with pytest.raises(PreconditionFailed):
        delete(alice, row)

    assert reading.get_message(bob, row.pk)["content"] == "a loud morning"


def test_only_its_sender_changes_a_message(
    alice: User, bob: User, eve: User, mallory: User
) -> None:
    row = send(alice, bob)

    for stranger, refusal in ((bob, Forbidden), (eve, NotFound), (mallory, NotFound)):
        with pytest.raises(refusal):
            edit(stranger, row)
        with pytest.raises(refusal):
            delete(stranger, row)

    assert Message.objects.get().version == 1
    assert Event.objects.count() == 1


def test_who_has_left_can_no_longer_change_what_they_said(
    alice: User, bob: User, carol: User
) -> None:
    started = conversations.start(creator=alice, participant_ids=[bob.pk, carol.pk])
    group = UUID(started.body["id"])
    answer = send_group(sender=bob, conversation_id=group, draft=Draft(content="mine"))
    row = Message.objects.get(pk=answer.body["message"]["id"])
    conversations.remove_participant(actor=alice, conversation_id=group, user_id=bob.pk)

    with pytest.raises(NotFound):
        edit(bob, row)
    with pytest.raises(NotFound):
        delete(bob, row)


def test_a_legal_hold_keeps_everything_as_it_is(alice: User, bob: User) -> None:
    row = send(alice, bob)
    Conversation.objects.update(hold=True)

    with pytest.raises(Conflict):
        edit(alice, row)
    with pytest.raises(Conflict):
        delete(alice, row)

    assert Message.objects.get().deleted_at is None


@pytest.mark.req("D2")
def test_an_edit_that_cannot_be_sealed_is_refused_and_never_stored_plain(
    alice: User, bob: User, settings
) -> None:
    row = send(alice, bob, encrypted=True)
    settings.ENCRYPTION_ENABLED = False

    with pytest.raises(EncryptionUnavailable):
        edit(alice, row)

    row.refresh_from_db()
    assert (row.version, row.content, row.is_encrypted) == (1, "", True)


def test_an_edit_is_sealed_once_the_tenant_asks_for_it(
    alice: User, bob: User, clinic: Tenant
) -> None:
    row = send(alice, bob, encrypted=False)
    Tenant.objects.filter(pk=clinic.pk).update(encryption="required")
    alice.tenant.refresh_from_db()

    edit(alice, row)
    work_all()

    row.refresh_from_db()
    assert row.is_encrypted and row.content == ""
    assert encryption.under_session_key([row])


def test_an_empty_or_endless_text_is_refused(alice: User, bob: User) -> None:
    row = send(alice, bob)

    for content in ("", "x" * 10_001):
        with pytest.raises(Invalid):
            edit(alice, row, content)


def test_a_deleted_message_is_gone_for_everybody_and_its_frames_hold_ids_only(
    alice: User, bob: User
) -> None:
    row = send(alice, bob)
    work_all()
    assert reading.inbox(bob)

    seq = delete(alice, row)
    assert search(bob, q="evening") == []
    work_all()

    for reader in (alice, bob):
        with pytest.raises(NotFound):
            reading.get_message(reader, row.pk)
    assert seq == 2 and not MessageSearch.objects.exists()
    assert reading.inbox(bob) == []
    for form in ("open", "sealed"):
        frames = events.frames(events.read(row.conversation_id, 0), form)
        assert [frame["event"] for frame in frames] == ["message.created", "message.deleted"]
        assert [frame["data"] for frame in frames] == [{"messageId": str(row.pk)}] * 2
    job = Job.objects.get(subject_id=row.pk, kind="index-message")
    assert (job.args["operation"], job.state) == ("delete", "completed")
    assert AuditEvent.objects.filter(action="message.deleted", actor_id=alice.pk).count() == 1


def test_a_message_deleted_before_its_delivery_is_not_delivered(alice: User, bob: User) -> None:
    row = send(alice, bob)
    delete(alice, row)

    work_all()

    assert not row.deliveries.exists()
    assert not Notification.objects.exists()
    assert set(Job.objects.values_list("state", flat=True)) == {"completed"}


def test_a_scheduled_message_is_edited_and_deleted_without_a_word_to_anybody(
    alice: User, bob: User
) -> None:
    later = timezone.now() + timedelta(hours=1)
    row = send(alice, bob, scheduled_at=later)

    edit(alice, row)
    work_all()
    assert reading.get_message(alice, row.pk)["content"] == "a loud morning"
    assert delete(alice, row, version=2) is None

    assert not Event.objects.exists()
    states = Job.objects.of_run(row.pk).values_list("state", flat=True)
    assert set(states) == {"cancelled"}


def test_what_a_cleanup_deletes_leaves_the_inboxes_too(alice: User, bob: User) -> None:
    row = send(alice, bob)
    work_all()
    assert reading.inbox(bob)

    with transaction.atomic():
        removing.expire([row], "old_messages")

    assert reading.inbox(bob) == []
    assert Message.objects.get().version == 2
