"""Sending one planned notification: outside any transaction, its outcome and the job's in one."""

from functools import partial
from uuid import UUID

from django.utils import timezone

from messaging.models import Message, Notification
from messaging.notifications.channel import Notice, Receipt, Rejected
from messaging.notifications.registry import registered
from queueing.jobs import Claimed, Outcome, job
from queueing.queues import NOTIFICATION


@job(queue=NOTIFICATION, name="send-notification", external=True)
def send(claimed: Claimed) -> Outcome:
    """Hand the notification to its channel; nothing to do for one that is sent or withdrawn."""
    notification = (
        Notification.objects.filter(
            pk=UUID(claimed.args["notificationId"]), status=Notification.Status.PLANNED
        )
        .select_related("recipient", "tenant")
        .first()
    )
    if notification is None:
        return Outcome(result={"success": True, "skipped": "settled"})
    channel = registered().get(notification.channel)
    if channel is None:
        raise Rejected(code="no-such-channel")
    notice = Notice.of(notification, notification.tenant, _sender(notification))
    receipt = channel().send(notice)
    return Outcome(effect=partial(_settle, notification.pk, receipt), result={"success": True})


def _sender(notification: Notification) -> str:
    message = Message.objects.filter(pk=notification.message_id).select_related("sender").first()
    return message.sender.name if message else ""


def _settle(pk: UUID, receipt: Receipt) -> None:
    Notification.objects.filter(pk=pk, status=Notification.Status.PLANNED).update(
        status=Notification.Status.SENT,
        sent_at=timezone.now(),
        provider=receipt.provider,
        provider_id=receipt.provider_id,
    )
