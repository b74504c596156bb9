"""Receipts: a marker per member says how far they have it and have read it; rows follow in one range.

Markers only rise. What moved is also recorded as a delivery-confirmation job, one for a flush.
A receipt beyond the head is cut to it, so nobody confirms what does not exist yet.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from messaging import events
from messaging.errors import NotFound
from messaging.events import Hint
from messaging.models import User
from messaging.stages import confirm
from messaging.stages.confirm import Mark
from queueing.postgres import fetch

MARK = """
WITH receipt AS (
    SELECT p.id, least(asked.seq, c.head_seq) AS seq, {marker} AS before
    FROM unnest(%(users)s::uuid[], %(conversations)s::uuid[], %(seqs)s::bigint[])
         AS asked (user_id, conversation_id, seq)
    JOIN conversation_participants p USING (user_id, conversation_id)
    JOIN conversations c ON c.id = p.conversation_id
    WHERE p.left_seq IS NULL ORDER BY p.id FOR UPDATE OF p
)
UPDATE conversation_participants p
SET delivered_seq = greatest(p.delivered_seq, receipt.seq){read}
FROM receipt
WHERE p.id = receipt.id AND {marker} < receipt.seq
RETURNING p.tenant_id, p.conversation_id, p.user_id, p.delivered_seq, p.read_seq, p.read_private,
          receipt.before
"""
READ = ", read_seq = receipt.seq, read_at = now()"


class Receipt(NamedTuple):
    """That *user_id* has, or has read, everything up to *seq*."""

    user_id: UUID
    conversation_id: UUID
    seq: int


class _Moved(NamedTuple):
    tenant_id: UUID
    conversation_id: UUID
    user_id: UUID
    delivered_seq: int
    read_seq: int
    read_private: bool
    before: int


def delivered(user: User, conversation_id: UUID, seq: int) -> int:
    """*user*'s device has everything up to *seq*; how many deliveries that has moved.

    Raises NotFound for a conversation that they are not in.
    """
    return _one(user, conversation_id, seq, read=False)


def read(user: User, conversation_id: UUID, seq: int) -> int:
    """*user* has read everything up to *seq*; how many deliveries that has moved. Raises NotFound."""
    return _one(user, conversation_id, seq, read=True)


@transaction.atomic
def delivered_many(receipts: Iterable[Receipt]) -> int:
    """Many receipts at once, of people who may have left: theirs move nothing."""
    return _move(list(receipts), read=False)


@transaction.atomic
def _one(user: User, conversation_id: UUID, seq: int, *, read: bool) -> int:
    known = user.participations.filter(conversation_id=conversation_id, left_seq=None)
    if not known.exists():
        raise NotFound
    return _move([Receipt(user.pk, conversation_id, seq)], read=read)


def _move(receipts: Sequence[Receipt], *, read: bool) -> int:
    if not receipts:
        return 0
    users, conversations, seqs = (list(column) for column in zip(*receipts, strict=True))
    sql = MARK.format(read=READ if read else "", marker="p.read_seq" if read else "p.delivered_seq")
    marks = [
        _Moved(*row)
        for row in fetch(sql, {"users": users, "conversations": conversations, "seqs": seqs})
    ]
    if not marks:
        return 0
    receipts_of = _by_tenant(marks, "READ" if read else "DELIVERED")
    moved = 0
    for tenant_id, found in receipts_of.items():
        moved += confirm.follow(found, found[0].status)
        confirm.confirm.enqueue_many(confirm.jobs_of(tenant_id, found))
    transaction.on_commit(partial(events.publish, [_signal(mark) for mark in marks]))
    return moved


def _by_tenant(marks: Iterable[_Moved], status: confirm.Status) -> dict[UUID, list[Mark]]:
    """*marks* as they are recorded: those who came equally far in a conversation together."""
    groups: dict[tuple[UUID, UUID, int], list[_Moved]] = {}
    for mark in marks:
        seq = mark.read_seq if status == "READ" else mark.delivered_seq
        groups.setdefault((mark.tenant_id, mark.conversation_id, seq), []).append(mark)
    now = timezone.now()
    found: dict[UUID, list[Mark]] = {}
    for (tenant_id, conversation_id, seq), group in groups.items():
        one = Mark(
            conversation_id=conversation_id,
            recipient_ids=[mark.user_id for mark in group],
            after=min(mark.before for mark in group),
            seq=seq,
            status=status,
            at=now,
        )
        found.setdefault(tenant_id, []).append(one)
    return found


def _signal(mark: _Moved) -> Hint:
    data = {"userId": str(mark.user_id), "deliveredSeq": mark.delivered_seq}
    if not mark.read_private:
        data["readSeq"] = mark.read_seq
    frame = {
        "type": "signal",
        "event": "receipt.updated",
        "conversationId": str(mark.conversation_id),
        "data": data,
    }
    return Hint(
        str(mark.tenant_id), str(mark.conversation_id), None, "receipt.updated", frame=frame
    )
