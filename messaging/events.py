"""The event log of a conversation: append with a gap-free seq, read since, hint.

PostgreSQL holds the order and the completeness; what travels through Redis is a hint that may be lost,
doubled or late. A hint carries a message only in the form that its readers may hold (sealed under a
session key); a plain text, or one under an ingress key, is read from PostgreSQL by whoever needs it.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal
from uuid import UUID

from channels.layers import get_channel_layer
from psycopg.types.json import Jsonb

from messaging import encryption
from messaging.models import Conversation, Event, Message, Participant
from messaging.rendering import Entry, Frame, body_of, frame_of, sealed_frame, timestamp
from queueing.postgres import fetch

__all__ = [
    "Entry",
    "Form",
    "Frame",
    "Hint",
    "append",
    "frames",
    "group_of",
    "heads",
    "hints_of",
    "open_frames",
    "place",
    "publish",
    "read",
    "timestamp",
]

log = logging.getLogger(__name__)

FRAME = "event.frame"
LONGEST_HINT = 8 * 1024  # bytes of ciphertext; above it the hint says only where to look
Form = Literal["open", "sealed"]

ADVANCE = """
WITH head AS (
    UPDATE conversations SET head_seq = head_seq + 1
    WHERE id = %(conversation)s
      AND members_version = coalesce(%(members_version)s, members_version)
    RETURNING head_seq
)
INSERT INTO events (conversation_id, seq, tenant_id, type, message_id, actor_id, at, data)
SELECT %(conversation)s, head_seq, %(tenant)s, %(type)s, %(message)s, %(actor)s, now(), %(data)s
FROM head RETURNING seq
"""


@dataclass(frozen=True, slots=True)
class Hint:
    """What the conversation group is told after a commit; *seq* is None for a mere signal."""

    tenant_id: str
    conversation_id: str
    seq: int | None
    event: str
    person: str | None = None  # whom a change of membership is about
    frame: Frame | None = None
    about: int | None = None  # as in Entry

    def message(self) -> dict[str, Any]:
        """The form in which the channel layer carries it."""
        return {"type": FRAME, **asdict(self)}

    @classmethod
    def parse(cls, message: dict[str, Any]) -> "Hint":
        """The hint in a channel layer's message."""
        return cls(**{name: value for name, value in message.items() if name != "type"})


def append(
    *,
    tenant_id: UUID,
    conversation_id: UUID,
    type: str,
    actor_id: UUID | None,
    message_id: UUID | None = None,
    members_version: int | None = None,
    data: dict[str, str] | None = None,
) -> int | None:
    """Write the conversation's next event and return its seq.

    The row lock that gives the seq is held until the caller commits, so commit order is seq order: call
    it last. With *members_version*, None means that membership has changed since it was read.
    """
    values = {
        "conversation": conversation_id,
        "members_version": members_version,
        "tenant": tenant_id,
        "type": type,
        "message": message_id,
        "actor": actor_id,
        "data": Jsonb(data or {}),
    }
    found = fetch(ADVANCE, values)
    return int(found[0][0]) if found else None


def place(message: Message, members_version: int | None = None) -> int | None:
    """Give *message* its place in the log; None when its sender is not a member (any more).

    An accept that waits for the conversation's row keeps its old view of who belongs to it, so the
    append repeats the version of membership that the check has seen, and the check is made again.
    """
    for version in (members_version, None):
        version = version or _version_for(message.conversation_id, message.sender_id)
        if version is None:
            return None
        if seq := append(
            tenant_id=message.tenant_id,
            conversation_id=message.conversation_id,
            type=Event.Type.MESSAGE_CREATED,
            actor_id=message.sender_id,
            message_id=message.pk,
            members_version=version,
        ):
            return seq
    return None


def _version_for(conversation_id: UUID, user_id: UUID) -> int | None:
    stays = Participant.objects.present().filter(
        conversation_id=conversation_id, user_id=user_id, conversation__deleted_at=None
    )
    return stays.values_list("conversation__members_version", flat=True).first()


def group_of(conversation_id: UUID | str) -> str:
    """The Channels group that hears of the conversation."""
    return f"conversation.{conversation_id}"


def publish(hints: Sequence[Hint]) -> None:
    """Tell the groups, after the commit. Never raises: sockets find out by themselves, later."""
    if not hints:
        return
    try:
        get_channel_layer().publish(
            [(group_of(hint.conversation_id), hint.message()) for hint in hints]
        )
    except Exception as error:  # whatever is wrong with Redis must not reach what has committed
        log.warning("hints not published: %s", type(error).__name__)


def read(
    conversation_id: UUID, after: int, *, upto: int | None = None, limit: int = 256
) -> list[Entry]:
    """The events after seq *after* (at most *limit*, not beyond *upto*) in order."""
    rows = Event.objects.filter(conversation_id=conversation_id, seq__gt=after)
    if upto is not None:
        rows = rows.filter(seq__lte=upto)
    found = list(rows.order_by("seq")[:limit])
    messages = Message.objects.in_bulk([row.message_id for row in found if row.message_id])
    return [
        Entry(
            row.conversation_id,
            row.seq,
            row.type,
            row.at,
            row.actor_id,
            row.data,
            row.message_id,
            messages.get(row.message_id) if row.message_id else None,
        )
        for row in found
    ]


def frames(entries: Sequence[Entry], form: Form) -> list[Frame | None]:
    """The frame of each entry; None where a sealed reader must wait for the encryption stage."""
    messages = [
        entry.message for entry in entries if entry.message and not entry.message.deleted_at
    ]
    if form == "open":
        opened = encryption.open_messages(messages)
        return [frame_of(entry, opened.get(entry.message_id or UUID(int=0))) for entry in entries]
    shareable = encryption.under_session_key(messages)
    return [sealed_frame(entry, shareable) for entry in entries]


def hints_of(entries: Sequence[Entry]) -> list[Hint]:
    """What to publish for entries that have just been committed."""
    sealed = [
        entry.message
        for entry in entries
        if entry.message
        and entry.message.is_encrypted
        and not entry.message.deleted_at
        and len(entry.message.encrypted_content or b"") <= LONGEST_HINT
    ]
    shareable = encryption.under_session_key(sealed)
    return [
        Hint(
            str(entry.message.tenant_id) if entry.message else "",
            str(entry.conversation_id),
            entry.seq,
            entry.type,
            frame=frame_of(entry) if entry.message and entry.message.pk in shareable else None,
            about=entry.about,
        )
        for entry in entries
    ]


def open_frames(hints: Sequence[Hint]) -> list[Frame]:
    """The open form of *hints* that carry a sealed frame; a frame that cannot be opened says why."""
    sealed = [_message_of(hint) for hint in hints]
    opened = encryption.open_messages(sealed)
    result = []
    for hint, message in zip(hints, sealed, strict=True):
        frame = hint.frame or {}
        result.append({**frame, "data": body_of(frame["data"], opened[message.pk])})
    return result


def heads(conversation_ids: Iterable[UUID]) -> dict[UUID, int]:
    """The last seq of each conversation."""
    rows = Conversation.objects.filter(pk__in=list(conversation_ids))
    return dict(rows.values_list("pk", "head_seq"))


def _message_of(hint: Hint) -> Message:
    data = (hint.frame or {})["data"]
    return Message(
        id=UUID(data["messageId"]),
        tenant_id=UUID(hint.tenant_id),
        conversation_id=UUID(hint.conversation_id),
        is_encrypted=True,
        encrypted_content=encryption.decode(data["content"]),
        encryption_metadata=data["encryptionMetadata"],
        encryption_version=data["encryptionVersion"],
    )
