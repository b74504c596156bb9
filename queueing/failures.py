"""Why jobs fail: the dead letters, grouped by what went wrong and where (S127).

A fingerprint is the same for one kind of job, error code and place in the code, so a thousand dead
letters of one cause are one line.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Max, Min, TextField
from django.db.models.functions import Cast

from queueing.models import JobAttempt
from queueing.models.jobs import JobQuerySet
from queueing.queues import BY_NAME, Queue

MOST = 100  # causes that are listed

GROUP = ("queue", "kind", "error_fingerprint", "error_class")


@dataclass(frozen=True, slots=True)
class Failure:
    """One cause: what it did, and its latest dead letter."""

    queue: Queue
    kind: str
    fingerprint: str
    code: str  # of our own errors; the class of any other
    title: str  # a text of ours, never content
    location: str  # file, line, function; empty where nobody raised it
    count: int
    first: datetime
    last: datetime
    job_id: UUID


def of(jobs: JobQuerySet, *, limit: int = MOST) -> list[Failure]:
    """The causes behind the dead letters among *jobs*, the most frequent first."""
    groups = (
        jobs.dead()
        .order_by()
        .values(*GROUP)
        .annotate(
            count=Count("pk"),
            title=Max("error"),
            first=Min("finished_at"),
            last=Max("finished_at"),
            latest=Max(Cast("pk", TextField())),  # ids are times, also as text
        )
        .order_by("-count", "-last")[:limit]
    )
    found = [(group, UUID(group["latest"])) for group in groups]
    places = locations([job_id for _, job_id in found])
    return [
        Failure(
            queue=BY_NAME[group["queue"]],
            kind=group["kind"],
            fingerprint=group["error_fingerprint"],
            code=group["error_class"],
            title=group["title"],
            location=places.get(job_id, ""),
            count=group["count"],
            first=group["first"],
            last=group["last"],
            job_id=job_id,
        )
        for group, job_id in found
    ]


def locations(job_ids: list[UUID]) -> dict[UUID, str]:
    """Where the latest try of each job raised."""
    attempts = JobAttempt.objects.filter(job_id__in=job_ids).order_by("job_id", "-id")
    return dict(attempts.distinct("job_id").values_list("job_id", "location"))
