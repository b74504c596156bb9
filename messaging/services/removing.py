"""Removing messages whose time is over: first from sight, later altogether. Both in the caller's
transaction, which holds the messages' rows.

Events stay, so that a conversation's log has no gaps; the frame of one whose message is gone carries
ids only.
"""

from collections.abc import Sequence
from functools import partial
from typing import Protocol
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from messaging import appends, audit, events
from messaging.appends import NewEvent
from messaging.events import Hint
from messaging.models import Event, Notification
from messaging.search import index as search_index
from queueing.postgres import execute

EXPIRE = (
    "UPDATE messages SET deleted_at = now(), version = version + 1 WHERE id = ANY(%(ids)s::uuid[])"
)

PURGE = (
    "DELETE FROM message_search WHERE message_id = ANY(%(ids)s::uuid[])",
    "DELETE FROM message_deliveries WHERE message_id = ANY(%(ids)s::uuid[])",
    "DELETE FROM notifications WHERE message_id = ANY(%(ids)s::uuid[])",
    "DELETE FROM idempotency WHERE message_id = ANY(%(ids)s::uuid[])",
    "DELETE FROM messages WHERE id = ANY(%(ids)s::uuid[])",
)


class Located(Protocol):
    """A message, as far as removing it needs to know it."""

    @property
    def id(self) -> UUID: ...
    @property
    def tenant_id(self) -> UUID: ...
    @property
    def conversation_id(self) -> UUID: ...
    @property
    def seq(self) -> int | None: ...


def expire(messages: Sequence[Located], why: str) -> None:
    """Delete *messages* as a person could: out of lists and search, told to their conversations."""
    ids = [message.id for message in messages]
    execute(EXPIRE, {"ids": ids})
    search_index.remove(ids)
    withdraw(ids)
    _record(messages, "message.deleted", why)
    there = appends.lock({message.conversation_id for message in messages})
    seen = [m for m in messages if m.seq is not None and m.conversation_id in there]
    seqs = appends.append_many([_deletion(message) for message in seen])
    hints = [_hint(message, seqs[message.id]) for message in seen]
    transaction.on_commit(partial(events.publish, hints))


def withdraw(message_ids: Sequence[UUID]) -> None:
    """Take messages that are gone out of inboxes, and send nothing more about them."""
    told = Notification.objects.filter(message_id__in=message_ids)
    told.filter(channel="in_app").update(archived_at=timezone.now())
    told.filter(status=Notification.Status.PLANNED).update(
        status=Notification.Status.SKIPPED, reason="message-deleted"
    )


def purge(messages: Sequence[Located], why: str) -> None:
    """Remove *messages* altogether, with deliveries, notifications, tokens and idempotency keys."""
    ids = [message.id for message in messages]
    for statement in PURGE:
        execute(statement, {"ids": ids})
    _record(messages, "message.removed", why)


def _deletion(message: Located) -> NewEvent:
    return NewEvent(
        message.tenant_id, message.conversation_id, message.id, None, Event.Type.MESSAGE_DELETED
    )


def _hint(message: Located, seq: int) -> Hint:
    deleted = Event.Type.MESSAGE_DELETED.value
    return Hint(str(message.tenant_id), str(message.conversation_id), seq, deleted)


def _record(messages: Sequence[Located], action: str, why: str) -> None:
    audit.record_many(
        [
            audit.Entry(
                tenant_id=message.tenant_id,
                actor_id=None,
                action=action,
                target_type="message",
                target_id=message.id,
                facts={"conversation": message.conversation_id, "strategy": why},
            )
            for message in messages
        ]
    )
