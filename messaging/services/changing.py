"""Editing and deleting one's own messages: the present text is all there is, and everybody is told.

An edit is sealed again under the ingress key before it is written, and goes through a run of its own:
encrypt, tell who reads sealed, index. A deletion leaves the row for the grace period and ids in the
log. Neither touches what is under a legal hold. Rows are locked message first, conversation second,
as everywhere.
"""

from collections.abc import Collection
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from messaging import audit, encryption, events
from messaging.errors import (
    Conflict,
    EncryptionUnavailable,
    Forbidden,
    Invalid,
    NotFound,
    PreconditionFailed,
)
from messaging.events import Entry, Hint
from messaging.models import Conversation, Event, Message, Tenant, User
from messaging.services import removing, views
from messaging.services.reading import visible
from messaging.services.sending import LONGEST_CONTENT
from messaging.stages.index import index
from messaging.workflow import CHANGE, ENCRYPTION, INDEXING
from queueing import control
from queueing.ids import new_run
from queueing.models import Job

Versions = Collection[int] | None  # those that the caller has read; None: whatever there is


@transaction.atomic
def edit_message(
    *,
    actor: User,
    message_id: UUID,
    content: str,
    versions: Versions,
    metadata: dict[str, object] | None = None,
) -> dict[str, Any]:
    """Let *actor*'s message say *content*; without *metadata* it keeps what it has.

    Raises NotFound, Forbidden for somebody else's message, PreconditionFailed for another version,
    Conflict under a legal hold, Invalid, and EncryptionUnavailable, after which nothing has changed.
    """
    if not 1 <= len(content) <= LONGEST_CONTENT:
        raise Invalid(f"1 to {LONGEST_CONTENT} characters.", pointer="/content")
    row = _locked(actor, message_id, versions)
    _rewrite(row, actor.tenant, content, metadata)
    steps = ({ENCRYPTION} if row.is_encrypted else set()) | {INDEXING}
    seq = _append(row, actor.pk, Event.Type.MESSAGE_UPDATED)
    jobs = CHANGE.start(
        new_run(),
        steps=steps,
        tenant_id=row.tenant_id,
        owner_id=actor.pk,
        subject_id=row.pk,
        args={"messageId": row.pk, "conversationId": row.conversation_id},
        by_step={ENCRYPTION: {"seq": seq} if seq else {}, INDEXING: {"operation": "update"}},
        priority=row.priority,
    )
    _record(row, actor.pk, "message.edited", sha256=audit.fingerprint(row.encrypted_content))
    if seq:
        transaction.on_commit(partial(_tell, row, seq))
    return views.changed(row, jobs)


@transaction.atomic
def delete_message(*, actor: User, message_id: UUID, versions: Versions) -> int | None:
    """Take *actor*'s message away from everybody; the seq of the news, None for one not yet due.

    Raises NotFound, Forbidden, PreconditionFailed and Conflict as edit_message does.
    """
    row = _locked(actor, message_id, versions)
    row.deleted_at = timezone.now()
    row.version += 1
    row.save(update_fields=["deleted_at", "version"])
    _withdraw(row, actor)
    seq = _append(row, actor.pk, Event.Type.MESSAGE_DELETED)
    index.enqueue(
        tenant_id=row.tenant_id,
        owner_id=actor.pk,
        subject_id=row.pk,
        args={
            "messageId": row.pk,
            "conversationId": row.conversation_id,
            "operation": "delete",
        },
        priority=row.priority,
    )
    _record(row, actor.pk, "message.deleted")
    if seq:
        hint = Hint(
            str(row.tenant_id), str(row.conversation_id), seq, Event.Type.MESSAGE_DELETED.value
        )
        transaction.on_commit(partial(events.publish, [hint]))
    return seq


def _locked(actor: User, message_id: UUID, versions: Versions) -> Message:
    """The message with its row and then its conversation's locked, after every check."""
    row = visible(actor).filter(pk=message_id).select_for_update(no_key=True, of=("self",)).first()
    if row is None:
        raise NotFound
    if row.sender_id != actor.pk:
        raise Forbidden("Only its sender may change a message.")
    conversation = (
        Conversation.objects.filter(pk=row.conversation_id, deleted_at=None)
        .select_for_update(no_key=True)
        .first()
    )
    present = actor.participations.filter(conversation_id=row.conversation_id, left_seq=None)
    if conversation is None or not present.exists():
        raise NotFound
    if versions is not None and row.version not in versions:
        raise PreconditionFailed(f"It is version {row.version} now.")
    if conversation.hold:
        raise Conflict("A legal hold keeps this conversation as it is.")
    return row


def _rewrite(
    row: Message, tenant: Tenant, content: str, metadata: dict[str, object] | None
) -> None:
    """Put *content* into *row* as it was protected before, or better where the policy asks for it."""
    if metadata is None:
        metadata = _metadata_of(row)
    sealed = encryption.wants_sealing(
        tenant, row.is_encrypted or tenant.encryption == Tenant.Encryption.REQUIRED
    )
    row.content, row.metadata = "", None
    encryption.fill(row, content, metadata, sealed=sealed)
    row.version += 1
    row.edited_at = timezone.now()
    row.save(
        update_fields=[
            "content",
            "metadata",
            "protection",
            "is_encrypted",
            "encrypted_content",
            "encryption_metadata",
            "encryption_version",
            "sealed_metadata",
            "version",
            "edited_at",
        ]
    )


def _metadata_of(row: Message) -> dict[str, object] | None:
    if not row.is_encrypted:
        return row.metadata
    if not row.sealed_metadata:
        return None
    opened = encryption.open_messages([row])[row.pk]
    if opened.error:  # sealing the text alone would lose it
        raise EncryptionUnavailable
    return opened.metadata


def _append(row: Message, actor_id: UUID, type: Event.Type) -> int | None:
    """The seq of the news; a message that is not due yet has no place that could be told of."""
    if row.seq is None:
        return None
    return events.append(
        tenant_id=row.tenant_id,
        conversation_id=row.conversation_id,
        type=type,
        actor_id=actor_id,
        message_id=row.pk,
    )


def _withdraw(row: Message, actor: User) -> None:
    """Stop what has not been done for a message that is gone: its jobs, its notifications."""
    if row.seq is None:
        waiting = Job.objects.of_run(row.pk).unfinished()
        control.cancel_many(waiting, actor_id=actor.pk, reason="message deleted")
    removing.withdraw([row.pk])


def _tell(row: Message, seq: int) -> None:
    """Tell of an edit now; who reads sealed is told again by the encryption step."""
    entry = Entry(
        row.conversation_id,
        seq,
        Event.Type.MESSAGE_UPDATED,
        row.edited_at or row.created_at,
        row.sender_id,
        message_id=row.pk,
        message=row,
    )
    events.publish(events.hints_of([entry]))


def _record(row: Message, actor_id: UUID, action: str, **facts: object) -> None:
    audit.record(
        tenant_id=row.tenant_id,
        actor_id=actor_id,
        action=action,
        target_type="message",
        target_id=row.pk,
        conversation=row.conversation_id,
        version=row.version,
        **facts,
    )
