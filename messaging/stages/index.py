"""The indexing step: what is searched for later, as tokens that only its conversation's key can ask.

The row decides what is written: a deleted message loses its tokens whatever was asked for, and `update`
renews those of a message that has some, so that one sent with `index: false` stays out.
"""

from collections.abc import Mapping, Sequence
from typing import Literal
from uuid import UUID

from messaging import subjects
from messaging.models import Message
from messaging.search import index as search_index
from queueing.errors import Permanent
from queueing.jobs import Args, Batch, Facts, Told, job
from queueing.queues import INDEXING


class Indexing(Args, frozen=True):
    """Which message, and what became of it."""

    message_id: UUID
    conversation_id: UUID
    operation: Literal["index", "update", "delete"] = "index"


def describe(jobs: Sequence[Told]) -> Mapping[UUID, Facts]:
    """Message and operation of each job."""
    return {id_: {"operation": "index", **data} for id_, data in subjects.of_messages(jobs).items()}


@job(
    queue=INDEXING,
    name="index-message",
    args=Indexing,
    describe=describe,
    steps=("validation", "indexing", "complete"),
)
def index(batch: Batch) -> None:
    """Bring the index to what the batch's messages say now; a deleted one loses its row."""
    jobs = [(job, Indexing.of(job)) for job in batch]
    ids = {told.message_id for _, told in jobs}
    rows = list(Message.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True))
    wanted = {told.message_id for _, told in jobs if told.operation == "index"}
    updates = {told.message_id for _, told in jobs if told.operation == "update"}
    wanted |= search_index.having(updates - wanted)
    present = [row for row in rows if row.pk in wanted and not row.deleted_at]
    failed = search_index.write(present)
    kept = {row.pk for row in present} | {row.pk for row in rows if row.pk in updates}
    search_index.remove(ids - kept | {row.pk for row in rows if row.deleted_at})
    for claimed, told in jobs:
        if code := failed.get(told.message_id):
            batch.fail(claimed, Permanent(code=code))
