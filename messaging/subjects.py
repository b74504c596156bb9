"""What jobs are about, for whoever looks at them: ids, codes and times, read from the rows themselves.

The ledger holds only which message it is; the rest of the required fields is looked up when somebody
asks, one query for any number of jobs. Content is never among them (C3, D5).
"""

from collections.abc import Sequence
from uuid import UUID

from messaging.models import Batch, Conversation, Message, Participant
from messaging.rendering import timestamp
from queueing.jobs import Told

Data = dict[str, object]


def as_told(jobs: Sequence[Told]) -> dict[UUID, Data]:
    """What each of *jobs* was told, with its time."""
    return {job.id: {**job.args, "createdAt": timestamp(job.created_at)} for job in jobs}


def of_batches(jobs: Sequence[Told]) -> dict[UUID, Data]:
    """As as_told, each batch by the name that its sender knows."""
    rows = Batch.objects.filter(pk__in=[job.args["batchId"] for job in jobs])
    names = {str(pk): name for pk, name in rows.values_list("pk", "batch_id")}
    return {
        id_: {**data, "batchId": names.get(str(data["batchId"]), data["batchId"])}
        for id_, data in as_told(jobs).items()
    }


def of_messages(jobs: Sequence[Told]) -> dict[UUID, Data]:
    """Message, sender, conversation and time of each of *jobs*, by job."""
    rows = Message.objects.defer("content", "encrypted_content", "sealed_metadata").in_bulk(
        [job.args["messageId"] for job in jobs]
    )
    return {job.id: _data(job, rows.get(UUID(job.args["messageId"]))) for job in jobs}


def with_recipients(jobs: Sequence[Told]) -> dict[UUID, Data]:
    """As of_messages, with the other one of two; a group has no single recipient."""
    found = of_messages(jobs)
    others = _others([UUID(str(data["conversationId"])) for data in found.values()])
    for data in found.values():
        pair = others.get(UUID(str(data["conversationId"])), [])
        data["recipientId"] = next(
            (str(user) for user in pair if str(user) != data["senderId"]), None
        )
    return found


def _data(job: Told, row: Message | None) -> Data:
    return {
        **job.args,
        "senderId": str(row.sender_id) if row else None,
        "requiresEncryption": row.is_encrypted if row else None,
        "createdAt": timestamp(job.created_at),
    }


def _others(conversation_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    found: dict[UUID, list[UUID]] = {}
    stays = Participant.objects.present().filter(
        conversation_id__in=conversation_ids, conversation__kind=Conversation.Kind.DIRECT
    )
    for conversation_id, user_id in stays.values_list("conversation_id", "user_id"):
        found.setdefault(conversation_id, []).append(user_id)
    return found
