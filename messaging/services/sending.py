"""Sending: accept a message so that nothing can lose it any more (S49, S54, M1).

One transaction holds the message (sealed before it is written), its seq and event, its jobs, its audit
row and, where a key came, its idempotency row. Everything after that is the workflow's.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from messaging import audit, encryption, events
from messaging.errors import Invalid, NotFound
from messaging.models import Idempotency, Message, Participant, Priority, Protection, User
from messaging.services import conversations, views
from messaging.services.idempotency import Answer, Key, claim
from messaging.workflow import DELIVERY, ENCRYPTION, INDEXING, MESSAGE, NOTIFICATION
from queueing.ids import new_run

LONGEST_CONTENT = 10_000  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What somebody wants to say. *encrypted* None leaves it to the tenant's policy."""

    content: str
    encrypted: bool | None = None
    priority: Priority = Priority.NORMAL
    scheduled_at: datetime | None = None
    client_message_id: str | None = None
    notify: bool = True
    index: bool = True
    metadata: dict[str, object] | None = None
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message goes, as the membership check has seen it."""

    conversation_id: UUID
    protection: str
    members_version: int
    members: int


@transaction.atomic
def send_direct(
    *, sender: User, recipient_id: UUID, draft: Draft, key: Key | None = None
) -> Answer:
    """Accept a message to one person, in the conversation of the two (S112).

    Raises Invalid, NotFound (the recipient is not an active user of the tenant), KeyReused,
    IdempotencyInProgress, and EncryptionUnavailable, after which nothing is stored.
    """
    return _accept(sender, conversations.direct(sender, recipient_id), draft, key)


@transaction.atomic
def send_group(
    *, sender: User, conversation_id: UUID, draft: Draft, key: Key | None = None
) -> Answer:
    """Accept a message to a conversation (S113). Raises as send_direct does; NotFound for strangers."""
    return _accept(sender, conversation_id, draft, key)


def _accept(sender: User, conversation_id: UUID, draft: Draft, key: Key | None) -> Answer:
    place = _place_of(sender, conversation_id)
    row = draft_row(sender, place, draft)
    steps = steps_of(row, draft)
    answer = Answer(202, views.accepted(row, MESSAGE.job_ids(row.pk, steps)), message_id=row.pk)
    for each in _keys(draft, conversation_id, key):
        if replay := claim(sender, each, answer):
            replay = _with_seq(replay)
            transaction.set_rollback(True)  # what this call has made is not wanted
            return replay
    MESSAGE.start(
        row.pk,
        steps=steps,
        tenant_id=row.tenant_id,
        owner_id=sender.pk,
        args={"messageId": str(row.pk), "conversationId": str(row.conversation_id)},
        priority=row.priority,
        run_at=row.scheduled_at,
        weight=place.members,
        traceparent=row.traceparent,
    )
    audit.record_many([entry_of(row, draft)])
    if row.scheduled_at is None:
        row.seq = events.place(row, place.members_version)
        if row.seq is None:
            raise NotFound  # removed while this waited; everything above is rolled back
    row.save(force_insert=True)
    answer.body["message"]["seq"] = row.seq
    return answer


def _place_of(sender: User, conversation_id: UUID) -> Place:
    stays = Participant.objects.present().filter(
        conversation_id=conversation_id,
        user_id=sender.pk,
        tenant_id=sender.tenant_id,
        conversation__deleted_at=None,
    )
    found = stays.values_list(
        "conversation_id",
        "conversation__protection",
        "conversation__members_version",
        "conversation__participant_count",
    ).first()
    if found is None:
        raise NotFound
    return Place(*found)


def draft_row(sender: User, place: Place, draft: Draft) -> Message:
    """The unsaved row: checked, sealed or plain as asked for and allowed."""
    if place.protection == Protection.E2EE:
        raise Invalid("This conversation takes end-to-end envelopes only.", pointer="/content")
    if not 1 <= len(draft.content) <= LONGEST_CONTENT:
        raise Invalid(f"1 to {LONGEST_CONTENT} characters.", pointer="/content")
    now = timezone.now()
    if draft.scheduled_at is not None and draft.scheduled_at <= now:
        raise Invalid("A time in the future.", pointer="/scheduledAt")
    row = Message(
        id=new_run(),
        tenant_id=sender.tenant_id,
        conversation_id=place.conversation_id,
        sender=sender,
        priority=draft.priority,
        client_message_id=draft.client_message_id,
        scheduled_at=draft.scheduled_at,
        created_at=now,
        traceparent=draft.traceparent,
    )
    sealed = encryption.wants_sealing(sender.tenant, draft.encrypted)
    encryption.fill(row, draft.content, draft.metadata, sealed=sealed)
    return row


def steps_of(row: Message, draft: Draft) -> set[str]:
    """The steps of *row*'s life that are asked for."""
    wanted = {
        ENCRYPTION: row.is_encrypted,
        DELIVERY: True,
        NOTIFICATION: draft.notify,
        INDEXING: draft.index,
    }
    return {step for step, yes in wanted.items() if yes}


def _keys(draft: Draft, conversation_id: UUID, key: Key | None) -> Sequence[Key]:
    """The keys under which this send may have been made before."""
    keys = [key] if key else []
    if draft.client_message_id:
        said: dict[str, Any] = {**asdict(draft), "to": conversation_id, "traceparent": None}
        digest = sha256(json.dumps(said, default=str, sort_keys=True).encode()).digest()
        keys.append(Key(draft.client_message_id, digest, Idempotency.Scope.MESSAGE))
    return keys


def _with_seq(replay: Answer) -> Answer:
    """The stored answer with the seq, which was not known yet when it was stored."""
    assert replay.message_id  # a send is stored with its message
    seq = Message.objects.filter(pk=replay.message_id).values_list("seq", flat=True).first()
    replay.body["message"]["seq"] = seq
    return replay


def entry_of(row: Message, draft: Draft) -> audit.Entry:
    """The line of the trail that says that *row* was accepted."""
    degraded = encryption.degraded(row.sender.tenant, draft.encrypted, sealed=row.is_encrypted)
    facts: dict[str, object] = {"conversation": row.conversation_id, "encrypted": row.is_encrypted}
    if degraded:
        facts["degraded"] = True
    if row.is_encrypted:
        facts["sha256"] = audit.fingerprint(row.encrypted_content)
    return audit.Entry(
        tenant_id=row.tenant_id,
        actor_id=row.sender_id,
        action="message.accepted",
        target_type="message",
        target_id=row.pk,
        facts=facts,
    )
