"""How rows look to whoever may see them: the dictionaries that REST and the socket send."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from messaging import encryption
from messaging.encryption import Opened
from messaging.events import timestamp
from messaging.models import (
    Batch,
    BatchRecipient,
    Conversation,
    Message,
    MessageDelivery,
    MessageStatus,
    Notification,
    Participant,
    Priority,
)


def conversation(row: Conversation, stays: Sequence[Participant], viewer: UUID) -> dict[str, Any]:
    """A conversation with its members, as *viewer* sees it."""
    read = next((stay.read_seq for stay in stays if stay.user_id == viewer), 0)
    return {
        "id": str(row.pk),
        "kind": row.kind,
        "title": encryption.open_title(
            row.tenant_id, row.pk, _bytes(row.sealed_title), row.title_key_id
        ),
        "headSeq": row.head_seq,
        "unread": max(0, row.head_seq - read),
        "participants": [participant(stay, viewer) for stay in stays],
        "createdAt": timestamp(row.created_at),
    }


def participant(stay: Participant, viewer: UUID) -> dict[str, Any]:
    """A member and how far they are; who reads in private shows only that it was delivered."""
    shown = stay.user_id == viewer or not stay.read_private
    return {
        "userId": str(stay.user_id),
        "name": stay.user.name,
        "role": stay.role,
        "joinedSeq": stay.joined_seq,
        "deliveredSeq": stay.delivered_seq,
        "readSeq": stay.read_seq if shown else None,
    }


def accepted(row: Message, jobs: dict[str, UUID | None]) -> dict[str, Any]:
    """What a send answers: the message and its jobs, without content (S121)."""
    return {"message": _accepted(row, MessageStatus.PENDING), "queue": _queue(jobs)}


def changed(row: Message, jobs: dict[str, UUID | None]) -> dict[str, Any]:
    """What an edit answers: as a send, with the version that it made."""
    edited = timestamp(row.edited_at) if row.edited_at else None
    message = _accepted(row, row.status) | {"version": row.version, "editedAt": edited}
    return {"message": message, "queue": _queue(jobs)}


def message(row: Message, opened: Opened, status: str) -> dict[str, Any]:
    """A message as its readers see it; *status* comes from the members' markers."""
    view: dict[str, Any] = {
        "id": str(row.pk),
        "conversationId": str(row.conversation_id),
        "senderId": str(row.sender_id),
        "seq": row.seq,
        "status": status,
        "priority": Priority(row.priority).name,
        "protection": row.protection,
        "content": opened.text,
        "isEncrypted": row.is_encrypted,
        "metadata": opened.metadata,
        "createdAt": timestamp(row.created_at),
        "version": row.version,
        "editedAt": timestamp(row.edited_at) if row.edited_at else None,
    }
    if row.is_encrypted:
        view["encryption"] = {"version": row.encryption_version, **(row.encryption_metadata or {})}
    if opened.error:
        view["error"] = {"code": opened.error}
    return view


def delivery(row: MessageDelivery) -> dict[str, Any]:
    """How far one message came with one recipient (S75)."""
    moments = {
        "sentAt": row.sent_at,
        "deliveredAt": row.delivered_at,
        "readAt": row.read_at,
    }
    return {
        "messageId": str(row.message_id),
        "recipientId": str(row.recipient_id),
        "status": row.status,
        **{name: timestamp(at) if at else None for name, at in moments.items()},
        "failureReason": row.failure_code or None,
        "metadata": row.metadata,
    }


def notification(row: Notification, title: str, text: str) -> dict[str, Any]:
    """An entry of the inbox: that there is a message, and where."""
    return {
        "id": str(row.pk),
        "type": row.channel.upper(),
        "title": title,
        "message": text,
        "messageId": str(row.message_id),
        "conversationId": str(row.conversation_id),
        "priority": Priority(row.priority).name,
        "createdAt": timestamp(row.created_at),
        "readAt": timestamp(row.read_at) if row.read_at else None,
    }


def _accepted(row: Message, status: str) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "conversationId": str(row.conversation_id),
        "senderId": str(row.sender_id),
        "seq": row.seq,
        "status": str(status),
        "isEncrypted": row.is_encrypted,
        "encryptionVersion": row.encryption_version,
        "createdAt": timestamp(row.created_at),
    }


def _queue(jobs: dict[str, UUID | None]) -> dict[str, Any]:
    ids = {step: str(id) if id else None for step, id in jobs.items()}
    return {"success": True, "errors": [], "jobIds": ids}


def batch(row: Batch, sent: int, failed: int, *, retryable: bool) -> dict[str, Any]:
    """A batch to its sender: how far it is and what came of it, without what it says."""
    return {
        "id": str(row.pk),
        "batchId": row.batch_id,
        "jobId": str(row.job_id),
        "state": row.state,
        "total": row.total,
        "successCount": sent,
        "failureCount": failed,
        "remaining": row.total - sent - failed,
        "retryable": retryable,
        "progress": {
            "percentage": 100 * (sent + failed) // row.total,
            "step": row.state,
            "totalSteps": row.steps,
            "currentStep": row.steps_done,
        },
        "chunkSize": row.chunk_size,
        "chunkDelay": row.chunk_delay,
        "createdAt": timestamp(row.created_at),
        "finishedAt": timestamp(row.finished_at) if row.finished_at else None,
    }


def batch_recipient(row: BatchRecipient) -> dict[str, Any]:
    """What came of one person of a batch."""
    return {
        "recipientId": str(row.recipient_id),
        "position": row.position,
        "status": row.status,
        "messageId": str(row.message_id) if row.message_id else None,
        "failureReason": row.failure_code or None,
        "attempts": row.attempts,
        "at": timestamp(row.at),
    }


def _bytes(value: bytes | memoryview | None) -> bytes | None:
    return bytes(value) if value else None
