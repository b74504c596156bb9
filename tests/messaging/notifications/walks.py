"""Messages on their way to notifications, and how those ended."""

from typing import Any

from messaging.models import Message, Notification, Priority, User
from messaging.services.sending import Draft, send_direct
from queueing.models import Job

NUMBER = "+4930123456"


def write(sender: User, to: User, priority: Priority = Priority.HIGH, **draft: Any) -> Message:
    draft.setdefault("content", "a quiet evening")
    answer = send_direct(sender=sender, recipient_id=to.pk, draft=Draft(priority=priority, **draft))
    return Message.objects.get(pk=answer.body["message"]["id"])


def told_by() -> dict[str, str]:
    return dict(Notification.objects.values_list("channel", "status"))


def job_of(channel: str) -> Job:
    return Job.objects.get(kind="send-notification", args__type=channel.upper())
