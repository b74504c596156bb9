"""The indexing step: what is searched for later, as tokens that only its conversation's key can ask."""

from uuid import UUID

from messaging.models import Message
from messaging.search import index as search_index
from queueing.errors import Permanent
from queueing.jobs import Batch, job
from queueing.queues import INDEXING


@job(queue=INDEXING, name="index-message")
def index(batch: Batch) -> None:
    """Bring the index to what the batch's messages say now; a deleted one loses its row."""
    jobs = {UUID(job.args["messageId"]): job for job in batch}
    rows = list(Message.objects.filter(pk__in=jobs).order_by("pk").select_for_update(no_key=True))
    present = {row.pk for row in rows if not row.deleted_at}
    search_index.remove([pk for pk in jobs if pk not in present])
    failed = search_index.write([row for row in rows if row.pk in present])
    for pk, code in failed.items():
        batch.fail(jobs[pk], Permanent(code=code))
