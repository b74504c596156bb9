"""The notification step plans: who is told, by which channel. In-app is done with that.

Each notification that has to leave the house gets a job of its own, so that a provider's outage
neither holds up the others nor the index.
"""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from django.db import transaction

from messaging import personal, subjects
from messaging.models import Notification
from messaging.notifications import planning
from queueing.jobs import Args, Batch, job
from queueing.queues import NOTIFICATION


class Planning(Args, frozen=True):
    """Of which message, and where."""

    message_id: UUID
    conversation_id: UUID


@job(
    queue=NOTIFICATION,
    name="plan-notifications",
    args=Planning,
    describe=subjects.of_messages,
    steps=("validation", "planning", "complete"),
)
def plan(batch: Batch) -> None:
    """Write the notifications of the batch's messages and enqueue the sending of those outside."""
    ids = [job.args["messageId"] for job in batch]
    planning.plan(ids)
    transaction.on_commit(partial(personal.tell, _signals(ids)))


def _signals(message_ids: Sequence[str]) -> list[personal.Signal]:
    """Tell people of what is new in their inboxes, also where they do not follow a conversation."""
    rows = Notification.objects.filter(message_id__in=message_ids, channel="in_app")
    return [
        personal.Signal(
            person=row.recipient_id,
            event="notification.created",
            conversation_id=row.conversation_id,
            data={"notificationId": str(row.pk), "messageId": str(row.message_id)},
        )
        for row in rows.only("pk", "recipient_id", "message_id", "conversation_id")
    ]
