"""Starting a batch, working it chunk by chunk, looking at it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from messaging import batches
from messaging.models import (
    Batch,
    Message,
    Participant,
    User,
)
from messaging.services import batch_lists
from messaging.services.batch_orders import Order
from queueing.queues import BATCH
from queueing.testing import make_due

Crowd = Callable[[int], list[User]]
TEXT = "The clinic is closed on Monday, marmalade."


def start(sender: User, people: list[Any], **order: Any) -> Batch:
    ids = [getattr(person, "pk", person) for person in people]
    said = Order(**{"recipient_ids": ids, "content": TEXT, "chunk_delay": 0, **order})
    answer = batches.start_batch(sender=sender, order=said)
    return Batch.objects.get(job_id=answer.body["jobId"])


def send(turns: int = 1000) -> None:
    """Work the batch lane, at most so many chunks."""
    for _ in range(turns):
        make_due()
        if not claim_one():
            break


def claim_one() -> bool:
    from queueing.executor import drain

    report = drain(BATCH, threads=1, budget=0)
    return report.worked and report.more


def steer(sender: User, row: Batch, verb: str) -> dict[str, Any]:
    return batches.steer(batch_lists.named(sender, row.batch_id), verb, sender, "because")


def statuses(row: Batch) -> dict[UUID, str]:
    return dict(row.recipients.values_list("recipient_id", "status"))


def sent_to(row: Batch) -> list[UUID]:
    """The people who have a message of the batch; twice who has two."""
    places = Message.objects.filter(batch_id=row.pk).values_list("conversation_id", flat=True)
    return [
        Participant.objects.exclude(user_id=row.sender_id).get(conversation_id=place).user_id
        for place in places
    ]
