"""What an event looks like to those who hear of it: its frame, open, sealed, or with ids only."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from messaging import encryption
from messaging.encryption import Opened
from messaging.models import Event, Message, MessageStatus

UNSHAREABLE = Opened(error="encryption-failed")
PATIENCE = timedelta(minutes=10)  # with the encryption step of an edit; its attempts end far sooner
Frame = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One event with the message that it is about, if that is still there."""

    conversation_id: UUID
    seq: int
    type: str
    at: datetime
    actor_id: UUID | None
    data: dict[str, Any] = field(default_factory=dict)
    message_id: UUID | None = None
    message: Message | None = None

    @property
    def about(self) -> int | None:
        """The place of the message that was changed; who came after it may not see its text."""
        changed = self.type == Event.Type.MESSAGE_UPDATED and self.message is not None
        return self.message.seq if changed and self.message else None


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as everywhere on the wire."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def frame_of(entry: Entry, opened: Opened | None = None) -> Frame:
    """The frame of *entry*: sealed or plain as stored, or as *opened*; of a deleted message ids."""
    data: dict[str, Any] = dict(entry.data)
    if entry.actor_id and not entry.message_id:
        data["actorId"] = str(entry.actor_id)
    if entry.message_id:
        data |= {"messageId": str(entry.message_id)}
    if (message := entry.message) and not message.deleted_at:
        data |= _sealed_body(message)
        data = body_of(data, opened) if opened else data
    return {
        "type": "event",
        "event": entry.type,
        "conversationId": str(entry.conversation_id),
        "seq": entry.seq,
        "at": timestamp(entry.at),
        "data": data,
    }


def sealed_frame(entry: Entry, shareable: Collection[UUID]) -> Frame | None:
    """The frame of *entry* for who holds session keys; None where they must wait for one.

    *shareable* are the messages that are under a session key.
    """
    message = entry.message
    if not message or not message.is_encrypted or message.deleted_at or message.pk in shareable:
        return frame_of(entry)
    if message.status == MessageStatus.FAILED:  # nobody waits for a step that is dead
        return frame_of(entry, UNSHAREABLE)
    if message.edited_at and timezone.now() - message.edited_at > PATIENCE:
        return frame_of(entry, UNSHAREABLE)
    return None


def bare(frame: Frame) -> Frame:
    """*frame* with ids only, for who may know that something was changed and not what it says."""
    return {**frame, "data": {"messageId": frame["data"].get("messageId")}}


def body_of(data: dict[str, Any], opened: Opened) -> dict[str, Any]:
    """The *data* of a frame with what was *opened* in place of what is sealed."""
    body = {
        name: value
        for name, value in data.items()
        if name not in ("encryptionMetadata", "encryptionVersion")
    }
    body["content"] = opened.text
    if opened.error:
        body["error"] = {"code": opened.error}
    return body


def _sealed_body(message: Message) -> dict[str, Any]:
    body: dict[str, Any] = {
        "senderId": str(message.sender_id),
        "content": message.content,
        "isEncrypted": message.is_encrypted,
        "timestamp": timestamp(message.created_at),
        "version": message.version,
    }
    if message.edited_at:
        body["editedAt"] = timestamp(message.edited_at)
    if message.is_encrypted:
        body["content"] = encryption.encode(message.encrypted_content)
        body["encryptionMetadata"] = message.encryption_metadata
        body["encryptionVersion"] = message.encryption_version
    return body
