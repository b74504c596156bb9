"""Batches as their senders see them: how far each is and what came of everybody, from the rows."""

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from messaging.errors import NotFound
from messaging.models import Batch, BatchRecipient, BatchText, User
from messaging.services import views

NAME = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)  # what a batch may be called

Status = BatchRecipient.Status


def list_of(user: User, *, limit: int, before: UUID | None = None) -> list[dict[str, Any]]:
    """The batches of *user*, the youngest first, at most *limit*, older than *before*."""
    rows = Batch.objects.of(user).defer("recipient_ids").order_by("-pk")
    if before:
        rows = rows.filter(pk__lt=before)
    return shown(list(rows[:limit]))


def get(user: User, batch_id: str) -> dict[str, Any]:
    """One batch of *user*'s. Raises NotFound."""
    return shown([_one(user, batch_id)])[0]


def recipients(
    user: User, batch_id: str, *, limit: int, after: int | None = None, status: str | None = None
) -> list[dict[str, Any]]:
    """Those who were tried, in the batch's order, and what came of each. Raises NotFound."""
    rows = BatchRecipient.objects.filter(batch=_one(user, batch_id)).order_by("position")
    if after is not None:
        rows = rows.filter(position__gt=after)
    if status:
        rows = rows.filter(status=status)
    return [views.batch_recipient(row) for row in rows[:limit]]


def named(user: User, batch_id: str) -> QuerySet[Batch]:
    """The batch of *user*'s of this name, if there is one."""
    rows = Batch.objects.of(user)
    return rows.filter(batch_id=batch_id) if NAME.fullmatch(batch_id) else rows.none()


def shown(rows: Sequence[Batch]) -> list[dict[str, Any]]:
    """Each of *rows* with its counts."""
    found = counts(rows)
    kept = set(
        BatchText.objects.filter(batch__in=rows, number=0).values_list("batch_id", flat=True)
    )
    return [_shown(row, *found[row.pk], kept=row.pk in kept) for row in rows]


def counts(rows: Sequence[Batch]) -> dict[UUID, tuple[int, int]]:
    """How many of each were sent to, and how many have failed."""
    found = dict.fromkeys((row.pk for row in rows), (0, 0))
    grouped = BatchRecipient.objects.filter(batch__in=rows).values_list("batch_id")
    numbers = grouped.annotate(
        sent=Count("pk", filter=Q(status=Status.SENT)),
        failed=Count("pk", filter=Q(status=Status.FAILED)),
    )
    return found | {pk: (sent, failed) for pk, sent, failed in numbers}


def _one(user: User, batch_id: str) -> Batch:
    row = named(user, batch_id).defer("recipient_ids").first()
    if row is None:
        raise NotFound
    return row


def _shown(row: Batch, sent: int, failed: int, *, kept: bool) -> dict[str, Any]:
    ended = row.state in (Batch.State.COMPLETED, Batch.State.FAILED)
    retryable = kept and ended and sent < row.total
    return views.batch(row, sent, failed, retryable=retryable)
