"""Reading messages, deliveries and the inbox, for whoever may see them; content reads are audited."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from messaging import audit, encryption
from messaging.errors import NotFound
from messaging.models import (
    Message,
    MessageDelivery,
    MessageStatus,
    Notification,
    Participant,
    User,
)
from messaging.notifications import texts
from messaging.services import views
from messaging.services.conversations import membership


@transaction.atomic
def get_message(user: User, message_id: UUID) -> dict[str, Any]:
    """One message, opened. Raises NotFound; one's own scheduled message is there before it is due."""
    row = visible(user).filter(pk=message_id).first()
    if row is None:
        raise NotFound
    [view] = open_views(user, [row])
    return view


@transaction.atomic
def list_messages(
    user: User, conversation_id: UUID, *, before: int | None = None, limit: int = 25
) -> list[dict[str, Any]]:
    """A conversation's messages, the youngest first, at most *limit*, below seq *before*.

    Raises NotFound for who is not in it. One that cannot be opened carries its error; the list is
    whole (S142).
    """
    stay = membership(user, conversation_id)
    rows = Message.objects.filter(
        conversation_id=conversation_id, deleted_at=None, seq__gte=stay.joined_seq
    )
    if before is not None:
        rows = rows.filter(seq__lt=before)
    return open_views(user, list(rows.order_by("-seq")[:limit]))


def deliveries(user: User, message_id: UUID) -> list[dict[str, Any]]:
    """How far a message came: with everybody for its sender, with oneself for a recipient."""
    row = visible(user).filter(pk=message_id).first()
    if row is None:
        raise NotFound
    rows = MessageDelivery.objects.filter(message_id=row.pk)
    if row.sender_id != user.pk:
        rows = rows.filter(recipient_id=user.pk)
    return [views.delivery(delivery) for delivery in rows.order_by("recipient_id")]


def inbox(user: User, *, limit: int = 25, before: UUID | None = None) -> list[dict[str, Any]]:
    """The in-app notifications of *user*, the youngest first."""
    rows = Notification.objects.of(user).order_by("-pk")
    if before:
        rows = rows.filter(pk__lt=before)
    page = list(rows[:limit])
    said = texts.of_inbox(user, page)
    return [views.notification(row, *said[row.pk]) for row in page]


@transaction.atomic
def mark_inbox_read(user: User, notification_id: UUID) -> None:
    """Mark an entry of *user*'s inbox as read, once. Raises NotFound."""
    rows = Notification.objects.of(user).filter(pk=notification_id)
    if not rows.exists():
        raise NotFound
    rows.filter(read_at=None).update(read_at=timezone.now())


def open_views(user: User, rows: Sequence[Message]) -> list[dict[str, Any]]:
    """*rows*, which *user* may see, opened together and with their status; audited as one read."""
    opened = encryption.open_messages(rows)
    statuses = _statuses(rows)
    if rows:
        audit.record(
            tenant_id=user.tenant_id,
            actor_id=user.pk,
            action="message.read",
            target_type="conversation" if len(rows) > 1 else "message",
            target_id=rows[0].conversation_id if len(rows) > 1 else rows[0].pk,
            messages=[row.pk for row in rows],
        )
    return [views.message(row, opened[row.pk], statuses[row.pk]) for row in rows]


def visible(user: User) -> QuerySet[Message]:
    """The messages that *user* may read, and their own that are not due yet."""
    own = Message.objects.filter(
        tenant_id=user.tenant_id, sender_id=user.pk, seq=None, deleted_at=None
    )
    return Message.objects.filter(
        Q(pk__in=Message.objects.of(user).values("pk")) | Q(pk__in=own.values("pk"))
    )


def _statuses(rows: Sequence[Message]) -> dict[UUID, str]:
    """The status of each message: as far as all of its recipients have come, by their markers."""
    stays: dict[UUID, list[Participant]] = {}
    present = Participant.objects.present().filter(
        conversation_id__in={row.conversation_id for row in rows}
    )
    for stay in present:
        stays.setdefault(stay.conversation_id, []).append(stay)
    return {row.pk: _status(row, stays.get(row.conversation_id, [])) for row in rows}


def _status(row: Message, stays: Sequence[Participant]) -> str:
    if row.status != MessageStatus.SENT or row.seq is None:
        return row.status
    others = [
        stay for stay in stays if stay.user_id != row.sender_id and stay.joined_seq <= row.seq
    ]
    if others and all(stay.read_seq >= row.seq and not stay.read_private for stay in others):
        return MessageStatus.READ
    if others and all(stay.delivered_seq >= row.seq for stay in others):
        return MessageStatus.DELIVERED
    return MessageStatus.SENT
