"""What answers say of a job."""

import base64
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from queueing import progress, registry
from queueing.models import Job
from queueing.moments import rfc3339
from queueing.queues import BY_NAME


def whole(job: Job) -> dict[str, Any]:
    """Everything that its owner and operators may know of *job*: ids, never content."""
    return {
        "jobId": str(job.id),
        "name": job.kind,
        "queueName": job.queue,
        "key": BY_NAME[job.queue].key,
        "priority": Job.Priority(job.priority).name,
        "state": job.state,
        "attempts": attempts(job),
        "maxAttempts": job.max_attempts,
        "messageId": job.args.get("messageId"),
        "data": described([job])[job.id],
        "progress": progress.of(job),
        "result": job.result,
        "error": error(job),
        "createdAt": rfc3339(job.created_at),
        "startedAt": rfc3339(job.started_at),
        "finishedAt": rfc3339(job.finished_at),
    }


def retried(job: Job) -> dict[str, Any]:
    """What becomes of a job that was given its attempts again."""
    return {
        "jobId": str(job.id),
        "queueName": job.queue,
        "state": job.state,
        "attempts": job.attempts,
        "maxAttempts": job.max_attempts,
    }


def described(jobs: Sequence[Job]) -> dict[UUID, dict[str, Any]]:
    """What each of *jobs* is about, as its kind says: ids, codes and times."""
    data = {job.id: dict(job.args) for job in jobs}
    for name in {job.kind for job in jobs}:
        kind = registry.find(name)
        if kind and kind.describe:
            facts = kind.describe([job for job in jobs if job.kind == name])
            data |= {id_: dict(found) for id_, found in facts.items()}
    return data


def failed(job: Job, data: dict[str, Any]) -> dict[str, Any]:
    """A dead letter in a list, with what it is about."""
    return {
        "jobId": str(job.id),
        "queueName": job.queue,
        "name": job.kind,
        "data": data,
        "error": error(job),
        "attempts": job.attempts,
        "failedAt": rfc3339(job.finished_at),
        "createdAt": rfc3339(job.created_at),
    }


def attempts(job: Job) -> int:
    """Tries so far, the one that is going on among them."""
    return job.attempts + (job.state == Job.State.ACTIVE)


def error(job: Job) -> dict[str, str] | None:
    """The last error: a code, and a text where it is one of ours."""
    if not job.error_class or job.state == Job.State.COMPLETED:
        return None
    return {"code": job.error_class, "title": job.error or job.error_class}


def cursor_of(job_id: UUID) -> str:
    """The cursor that stands for *job_id*: 22 characters."""
    return base64.urlsafe_b64encode(job_id.bytes).rstrip(b"=").decode()
