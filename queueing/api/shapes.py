"""What answers say of a job, and the same as shapes for the schema."""

import base64
from typing import Any
from uuid import UUID

from rest_framework import serializers

from queueing import progress
from queueing.models import Job
from queueing.moments import rfc3339
from queueing.queues import BY_NAME

PRIORITIES = ("CRITICAL", "HIGH", "NORMAL", "LOW")
STATUSES = ("healthy", "degraded", "unhealthy", "paused")


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
        "data": job.args,
        "progress": progress.of(job),
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


def failed(job: Job) -> dict[str, Any]:
    """A dead letter in a list."""
    return {
        "jobId": str(job.id),
        "queueName": job.queue,
        "name": job.kind,
        "data": job.args,
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


Text, Number, Flag, Id = (
    serializers.CharField,
    serializers.IntegerField,
    serializers.BooleanField,
    serializers.UUIDField,
)


class JobErrorShape(serializers.Serializer[Any]):
    code = Text()
    title = Text()


class ProgressShape(serializers.Serializer[Any]):
    percentage = Number(min_value=0, max_value=100)
    step = Text()
    totalSteps = Number()
    currentStep = Number()

    def get_fields(self) -> dict[str, Any]:
        # `data` is an attribute of every serializer, of another type.
        return super().get_fields() | {"data": serializers.DictField()}


class JobShape(serializers.Serializer[Any]):
    jobId = Id()
    name = Text()
    queueName = serializers.ChoiceField(choices=sorted(BY_NAME))
    key = Text()
    priority = serializers.ChoiceField(choices=PRIORITIES)
    state = serializers.ChoiceField(choices=Job.State.values)
    attempts = Number()
    maxAttempts = Number()
    messageId = Id(allow_null=True)
    progress = ProgressShape()
    error = JobErrorShape(allow_null=True)
    createdAt = serializers.DateTimeField()
    startedAt = serializers.DateTimeField(allow_null=True)
    finishedAt = serializers.DateTimeField(allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {"data": serializers.DictField(help_text="Ids only.")}


class RetriedShape(serializers.Serializer[Any]):
    jobId = Id()
    queueName = Text()
    state = serializers.ChoiceField(choices=Job.State.values)
    attempts = Number()
    maxAttempts = Number()


class FailedShape(serializers.Serializer[Any]):
    jobId = Id()
    queueName = Text()
    name = Text()
    error = JobErrorShape(allow_null=True)
    attempts = Number()
    failedAt = serializers.DateTimeField()
    createdAt = serializers.DateTimeField()

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {"data": serializers.DictField(help_text="Ids only.")}


class FailedPageShape(serializers.Serializer[Any]):
    nextCursor = Text(allow_null=True)
    hasMore = Flag()

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {"data": FailedShape(many=True)}


class CountsShape(serializers.Serializer[Any]):
    waiting = Number()
    active = Number()
    completed = Number()
    failed = Number()
    delayed = Number()
    paused = Number()


class StatsShape(CountsShape):
    name = Text()
    oldestSeconds = serializers.FloatField()
    ratePerMinute = serializers.FloatField()


class MetricsShape(serializers.Serializer[Any]):
    queues = serializers.DictField(child=StatsShape())
    totals = CountsShape()
    timestamp = serializers.DateTimeField()


class ChecksShape(serializers.Serializer[Any]):
    redis = Flag()
    accepting = Flag()
    processing = Flag()
    highFailureRate = Flag()


class HealthShape(serializers.Serializer[Any]):
    queue = Text()
    key = Text()
    status = serializers.ChoiceField(choices=STATUSES)
    checks = ChecksShape()
    failureRate = serializers.FloatField()
    averageProcessingTime = serializers.FloatField(help_text="Seconds.")
    waiting = Number()
    oldestSeconds = serializers.FloatField()
    workers = Number()
    checkedAt = serializers.DateTimeField()


class AllHealthShape(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=STATUSES)
    queues = serializers.DictField(child=HealthShape())
    checkedAt = serializers.DateTimeField()
