"""The delivery step: a delivery row for each recipient, then the hint to the open sockets.

A recipient whose marker already covers the message, because a gap read showed it earlier, starts
DELIVERED or READ. FAILED to SENT is the one step backward, by a retry (S79).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

from django.db import transaction

from messaging import events, subjects
from messaging.models import Event, Message, MessageStatus
from queueing.errors import Permanent
from queueing.jobs import Args, Batch, Claimed, Facts, Told, job
from queueing.postgres import fetch
from queueing.queues import DELIVERY

# The stays are locked until the commit: a receipt that comes in between waits, and then finds the row.
RECORD = """
WITH stay AS MATERIALIZED (
    SELECT p.tenant_id, p.conversation_id, p.user_id, p.joined_seq, p.left_seq,
           p.delivered_seq, p.read_seq
    FROM conversation_participants p WHERE p.conversation_id = ANY(%(conversations)s::uuid[])
    ORDER BY p.id FOR SHARE
)
INSERT INTO message_deliveries (id, tenant_id, message_id, recipient_id, conversation_id, seq, status,
                                sent_at, delivered_at, read_at, failure_code, metadata)
SELECT uuid7(), m.tenant_id, m.id, stay.user_id, m.conversation_id, m.seq,
       CASE WHEN stay.read_seq >= m.seq THEN 'READ'
            WHEN stay.delivered_seq >= m.seq THEN 'DELIVERED' ELSE 'SENT' END,
       now(), CASE WHEN stay.delivered_seq >= m.seq THEN now() END,
       CASE WHEN stay.read_seq >= m.seq THEN now() END, '',
       jsonb_build_object('jobId', job.id, 'attempts', job.attempts, 'encrypted', m.is_encrypted)
FROM unnest(%(messages)s::uuid[], %(jobs)s::uuid[], %(attempts)s::int[])
     AS job (message_id, id, attempts)
JOIN messages m ON m.id = job.message_id
JOIN stay ON stay.conversation_id = m.conversation_id AND stay.user_id <> m.sender_id
     AND stay.joined_seq <= m.seq AND (stay.left_seq IS NULL OR stay.left_seq > m.seq)
ON CONFLICT (message_id, recipient_id) DO UPDATE
SET status = excluded.status, sent_at = excluded.sent_at, delivered_at = excluded.delivered_at,
    read_at = excluded.read_at, failed_at = NULL, failure_code = '', metadata = excluded.metadata
WHERE message_deliveries.status = 'FAILED'
RETURNING message_id
"""


class Delivery(Args, frozen=True):
    """Which message, and where."""

    message_id: UUID
    conversation_id: UUID


def describe(jobs: Sequence[Told]) -> Mapping[UUID, Facts]:
    """Message, sender and recipient of each job."""
    return subjects.with_recipients(jobs)


@job(
    queue=DELIVERY,
    name="send-message",
    args=Delivery,
    describe=describe,
    steps=("validation", "sending", "complete"),
)
def deliver(batch: Batch) -> None:
    """Write the batch's deliveries, and tell the conversations after the commit."""
    jobs = {UUID(job.args["messageId"]): job for job in batch}
    rows = list(
        Message.objects.filter(pk__in=jobs, deleted_at=None)
        .order_by("pk")
        .select_for_update(no_key=True)
    )
    due = [row for row in rows if row.seq is not None]
    # Several conversations are always locked in the order of their ids.
    for row in sorted((row for row in rows if row.seq is None), key=lambda r: r.conversation_id):
        if _place(row):
            due.append(row)
        else:
            batch.fail(jobs[row.pk], Permanent(code="sender-left"))
    if not due:
        return
    written = _record(due, jobs)
    for pk, claimed in jobs.items():
        batch.result(claimed, {"success": True, "deliveries": written[pk]})
    Message.objects.filter(
        pk__in=[row.pk for row in due],
        status__in=(MessageStatus.PENDING, MessageStatus.FAILED),
    ).update(status=MessageStatus.SENT)
    transaction.on_commit(partial(_tell, due))


def _place(row: Message) -> bool:
    """Give a scheduled message its place now; False when its sender has left in the meantime."""
    row.seq = events.place(row)
    if row.seq is not None:
        row.save(update_fields=["seq"])
    return row.seq is not None


def _record(rows: list[Message], jobs: dict[UUID, Claimed]) -> Counter[UUID]:
    """Write the deliveries of *rows*; how many of each message."""
    values = {
        "conversations": sorted({row.conversation_id for row in rows}),
        "messages": [row.pk for row in rows],
        "jobs": [jobs[row.pk].id for row in rows],
        "attempts": [jobs[row.pk].attempts + 1 for row in rows],
    }
    return Counter(message_id for (message_id,) in fetch(RECORD, values))


def _tell(rows: list[Message]) -> None:
    entries = [
        events.Entry(
            row.conversation_id,
            row.seq or 0,
            Event.Type.MESSAGE_CREATED,
            row.created_at,
            row.sender_id,
            message_id=row.pk,
            message=row,
        )
        for row in sorted(rows, key=lambda row: (row.conversation_id, row.seq or 0))
    ]
    events.publish(events.hints_of(entries))
