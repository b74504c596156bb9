"""Sending one planned notification: outside any transaction, its outcome and the job's in one.

A channel that cannot say "this one again" writes down first that it is about to send. Whoever finds
that note, after a crash or an answer that never came, sends nothing: the notification is `unknown`
and its job a dead letter, and only a retry by a person sends it again.
"""

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

from django.utils import timezone

from messaging.models import Message, Notification, Priority
from messaging.notifications import log, texts
from messaging.notifications.channel import Channel, Held, Notice, Receipt, Rejected, Uncertain
from messaging.notifications.registry import registered
from messaging.rendering import timestamp
from queueing.errors import JobError, Later
from queueing.jobs import Args, Claimed, Facts, Outcome, Told, job
from queueing.progress import report
from queueing.queues import NOTIFICATION

Status = Notification.Status
ABOUT_TO = "sending"  # the note of a channel that holds
OPEN = (Status.PLANNED, Status.UNKNOWN)
STEPS = ("rendering", "sending", "complete")


class Telling(Args, frozen=True):
    """Who is told of what by which channel."""

    notification_id: UUID
    message_id: UUID
    recipient_id: UUID
    type: str  # PUSH, EMAIL, SMS (S28)


def describe(jobs: Sequence[Told]) -> Mapping[UUID, Facts]:
    """What each of *jobs* is about; title and text are made when it is sent, and stored nowhere."""
    rows = Notification.objects.in_bulk([told.args["notificationId"] for told in jobs])
    facts: dict[UUID, Facts] = {}
    for told in jobs:
        row = rows.get(UUID(told.args["notificationId"]))
        push = {"id": str(row.opaque_id)} if row and row.channel == "push" else None
        facts[told.id] = {
            **told.args,
            "status": row.status if row else None,
            "pushPayload": push,
            "createdAt": timestamp(told.created_at),
        }
    return facts


@job(
    queue=NOTIFICATION,
    name="send-notification",
    external=True,
    args=Telling,
    describe=describe,
    steps=STEPS,
)
def send(claimed: Claimed) -> Outcome:
    """Hand the notification to its channel; nothing to do for one that is sent or withdrawn."""
    row = (
        Notification.objects.filter(pk=UUID(claimed.args["notificationId"]), status__in=OPEN)
        .select_related("recipient", "tenant")
        .first()
    )
    if row is None:
        return Outcome(result={"success": True, "skipped": "settled"})
    kind = registered().get(row.channel)
    if kind is None:
        raise Rejected(code="no-such-channel")
    message = Message.objects.filter(pk=row.message_id).select_related("sender").first()
    if reason := _obsolete(row, message):
        return _outcome(row, Receipt("", skipped=reason, sent=0), "")
    _report(claimed, 0)
    notice, source = _notice(row, message.sender.name if message and message.sender else "")
    _report(claimed, 1)
    receipt = _hand_over(kind(), row, notice)
    _report(claimed, 2)
    return _outcome(row, receipt, source)


def _obsolete(row: Notification, message: Message | None) -> str:
    """Why nobody needs to be told any more."""
    if message is None or message.deleted_at is not None:
        return "message-deleted"
    return "" if row.recipient.is_active else "recipient-inactive"


def _notice(row: Notification, sender: str) -> tuple[Notice, str]:
    """What the channel may know, and where its text is from."""
    unread = texts.unread(row.recipient_id)
    template = texts.template(row.tenant_id, row.channel)
    title, text = template.render(sender=texts.shown(row.tenant, sender), unread=unread)
    notice = Notice(
        notification_id=row.pk,
        opaque_id=row.opaque_id,
        recipient=row.recipient,
        title=title,
        text=text,
        priority=row.priority,
        unread=unread,
        collapse_key=row.collapse_key,
    )
    return notice, template.source


def _hand_over(channel: Channel, row: Notification, notice: Notice) -> Receipt:
    """Call *channel*; what it raises is logged, and what may have been sent is held."""
    if channel.holds:
        _take_note(row)
    try:
        return channel.send(notice)
    except JobError as error:
        later = isinstance(error, Later)
        _log(row, "deferred" if later else "failed", level=logging.WARNING, code=error.code)
        if not channel.holds:
            raise
        uncertain = isinstance(error, Uncertain)
        status, reason = (Status.UNKNOWN, error.code[:64]) if uncertain else (Status.PLANNED, "")
        Notification.objects.filter(pk=row.pk, status=Status.UNKNOWN, reason=ABOUT_TO).update(
            status=status, reason=reason
        )
        if uncertain:
            raise Held(code=error.code) from error
        raise


def _take_note(row: Notification) -> None:
    """Write down that *row* is about to be sent. Raises Held where that stands there already."""
    planned = Notification.objects.filter(pk=row.pk, status=Status.PLANNED)
    if not planned.update(status=Status.UNKNOWN, reason=ABOUT_TO):
        noted = Notification.objects.filter(pk=row.pk, status=Status.UNKNOWN, reason=ABOUT_TO)
        noted.update(reason=Held.code)
        _log(row, "held", level=logging.WARNING, code=Held.code)
        raise Held


def _outcome(row: Notification, receipt: Receipt, source: str) -> Outcome:
    status = Status.SKIPPED if receipt.skipped else Status.SENT
    _log(row, status, provider=receipt.provider, code=receipt.skipped or "ok", template=source)
    result = {
        "success": True,
        "type": row.channel.upper(),
        "outcome": str(status),
        "reason": receipt.skipped or None,
        "sent": receipt.sent,
        "failed": receipt.failed,
        "template": source or None,
    }
    return Outcome(effect=partial(_settle, row.pk, status, receipt), result=result)


def _settle(pk: UUID, status: Notification.Status, receipt: Receipt) -> None:
    Notification.objects.filter(pk=pk, status__in=OPEN).update(
        status=status,
        reason=receipt.skipped,
        sent_at=timezone.now() if status == Status.SENT else None,
        provider=receipt.provider,
        provider_id=receipt.provider_id,
    )


def _report(claimed: Claimed, step: int) -> None:
    percentage = 100 * step // len(STEPS)
    report(claimed, percentage, STEPS[step], current_step=step + 1, total_steps=len(STEPS))


def _log(row: Notification, outcome: str, *, level: int = logging.INFO, **facts: str) -> None:
    log.told(
        outcome,
        channel=row.channel,
        level=level,
        notification=row.pk,
        message=row.message_id,
        recipient=row.recipient_id,
        priority=Priority(row.priority).name,
        **facts,
    )
