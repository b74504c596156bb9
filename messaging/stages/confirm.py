"""Confirming deliveries: what devices and people acknowledge, and what providers report (S27).

A receipt takes effect where it comes in: the marker rises and the rows below it follow, at once. This
job is its fact in the ledger, one for each flush of many receipts, ids and numbers only; it makes the
rows follow once more, so that none stays behind, and says how many it found. It runs after everything
else of its lane.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from django.utils import timezone

from messaging.models import Notification, Priority
from messaging.rendering import timestamp
from queueing.jobs import Args, Batch, Facts, NewJob, Told, job
from queueing.postgres import execute
from queueing.queues import DELIVERY

MOST = 200  # people of one job
Status = Literal["DELIVERED", "READ"]

FOLLOW = """
WITH due AS MATERIALIZED (
    SELECT d.id FROM message_deliveries d
    JOIN unnest(%(users)s::uuid[], %(conversations)s::uuid[], %(afters)s::bigint[],
                %(seqs)s::bigint[]) AS mark (user_id, conversation_id, after, seq)
      ON d.recipient_id = mark.user_id AND d.conversation_id = mark.conversation_id
         AND d.seq > mark.after AND d.seq <= mark.seq
    WHERE d.status = ANY(%(from)s) ORDER BY d.id FOR UPDATE OF d
)
UPDATE message_deliveries d
SET status = %(to)s, delivered_at = coalesce(d.delivered_at, now()){read_at}
FROM due WHERE d.id = due.id
"""


class Record(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A part of what a confirmation is told."""


class Mark(Record, frozen=True):
    """That these people have, or have read, what is after *after* and up to *seq*."""

    conversation_id: UUID
    recipient_ids: list[UUID]
    after: int
    seq: int
    status: Status
    at: datetime


class Report(Record, frozen=True):
    """What a provider says became of a notification that it took."""

    notification_id: UUID
    message_id: UUID
    recipient_id: UUID
    status: Literal["DELIVERED", "FAILED"]
    at: datetime
    failure_reason: str | None = None


class Confirmation(Args, frozen=True):
    """A flush of receipts, or what a provider reports."""

    receipts: list[Mark] = []
    reports: list[Report] = []


def describe(jobs: Sequence[Told]) -> Mapping[UUID, Facts]:
    """Who confirmed what; a single one also by the names that every confirmation has."""
    return {job.id: _data(job) for job in jobs}


@job(
    queue=DELIVERY,
    name="delivery-confirmation",
    args=Confirmation,
    describe=describe,
    steps=("validation", "confirming", "complete"),
)
def confirm(batch: Batch) -> None:
    """Let every delivery follow its recipient's marker, and every notification its provider."""
    for claimed in batch:
        told = Confirmation.of(claimed)
        people = sum(len(mark.recipient_ids) for mark in told.receipts)
        moved = sum(follow(told.receipts, status) for status in ("DELIVERED", "READ"))
        moved += sum(_settle(report) for report in told.reports)
        count = people + len(told.reports)
        batch.result(claimed, {"success": True, "confirmed": count, "moved": moved})


def follow(marks: Sequence[Mark], status: str) -> int:
    """Move the deliveries that *marks* of *status* cover; how many there were."""
    rows = [
        (user, mark.conversation_id, mark.after, mark.seq)
        for mark in marks
        if mark.status == status
        for user in mark.recipient_ids
    ]
    if not rows:
        return 0
    read = status == "READ"
    values = dict(
        zip(
            ("users", "conversations", "afters", "seqs"),
            (list(column) for column in zip(*rows, strict=True)),
            strict=True,
        )
    )
    behind = ["PENDING", "SENT", "DELIVERED"] if read else ["PENDING", "SENT"]
    sql = FOLLOW.format(read_at=", read_at = now()" if read else "")
    return execute(sql, {**values, "from": behind, "to": status})


def jobs_of(tenant_id: UUID, marks: Sequence[Mark]) -> list[NewJob]:
    """The jobs that record *marks* of one tenant, each of a limited size."""
    parts: list[list[Mark]] = [[]]
    room = MOST
    for mark in marks:
        for start in range(0, len(mark.recipient_ids), MOST):
            some = mark.recipient_ids[start : start + MOST]
            if len(some) > room:
                parts.append([])
                room = MOST
            parts[-1].append(msgspec.structs.replace(mark, recipient_ids=some))
            room -= len(some)
    return [
        NewJob(
            tenant_id=tenant_id,
            args={"receipts": msgspec.to_builtins(part)},
            priority=Priority.LOW,
            weight=sum(len(mark.recipient_ids) for mark in part),
        )
        for part in parts
        if part
    ]


def _settle(report: Report) -> int:
    """A provider's last word: it failed after all, or what nobody knew has arrived."""
    rows = Notification.objects.filter(pk=report.notification_id)
    if report.status == "FAILED":
        return rows.exclude(status=Notification.Status.FAILED).update(
            status=Notification.Status.FAILED,
            reason=(report.failure_reason or "reported")[:64],
            failed_at=timezone.now(),
        )
    return rows.filter(status=Notification.Status.UNKNOWN).update(
        status=Notification.Status.SENT, sent_at=report.at
    )


def _data(job: Told) -> Facts:
    told = Confirmation.of(job)
    data: dict[str, object] = {**job.args, "createdAt": timestamp(job.created_at)}
    people = [(mark, user) for mark in told.receipts for user in mark.recipient_ids]
    if len(people) == 1 and not told.reports:
        [(mark, user)] = people
        data |= {"recipientId": str(user), "conversationId": str(mark.conversation_id)}
        data |= {"status": mark.status, "at": timestamp(mark.at), "failureReason": None}
    elif len(told.reports) == 1 and not people:
        [report] = told.reports
        data |= {"recipientId": str(report.recipient_id), "messageId": str(report.message_id)}
        data |= {"status": report.status, "at": timestamp(report.at)}
        data |= {"failureReason": report.failure_reason}
    return data
