"""The shapes of the answers, for the schema."""

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework import serializers

from queueing.metrics import FLAT
from queueing.models import Job as Row
from queueing.queues import BY_NAME, QUEUES

ABOUT = "What the job is about: ids, codes and times, as its kind says; never content."
STATUSES = "healthy, degraded, unhealthy or paused"
State, Priority = Row.State, Row.Priority

Text, Number, Flag, Id = (
    serializers.CharField,
    serializers.IntegerField,
    serializers.BooleanField,
    serializers.UUIDField,
)


class JobError(serializers.Serializer[Any]):
    code = Text()
    title = Text()


class JobProgress(serializers.Serializer[Any]):
    percentage = Number(min_value=0, max_value=100)
    step = Text()
    totalSteps = Number()
    currentStep = Number()

    def get_fields(self) -> dict[str, Any]:
        # `data` is an attribute of every serializer, of another type.
        return super().get_fields() | {"data": serializers.DictField()}


class Job(serializers.Serializer[Any]):
    jobId = Id()
    name = Text()
    queueName = serializers.ChoiceField(choices=sorted(BY_NAME))
    key = Text()
    priority = serializers.ChoiceField(choices=[name for name in Priority.names])
    state = serializers.ChoiceField(choices=State.values)
    attempts = Number()
    maxAttempts = Number()
    messageId = Id(allow_null=True)
    progress = JobProgress()
    error = JobError(allow_null=True)
    createdAt = serializers.DateTimeField()
    startedAt = serializers.DateTimeField(allow_null=True)
    finishedAt = serializers.DateTimeField(allow_null=True)
    result = serializers.DictField(
        allow_null=True, help_text="Once it is completed: success and counts."
    )

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {"data": serializers.DictField(help_text=ABOUT)}


class RetriedJob(serializers.Serializer[Any]):
    jobId = Id()
    queueName = Text()
    state = serializers.ChoiceField(choices=State.values)
    attempts = Number()
    maxAttempts = Number()


class FailedJob(serializers.Serializer[Any]):
    jobId = Id()
    queueName = Text()
    name = Text()
    error = JobError(allow_null=True)
    attempts = Number()
    failedAt = serializers.DateTimeField()
    createdAt = serializers.DateTimeField()

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {"data": serializers.DictField(help_text="Ids only.")}


class FailedJobPage(serializers.Serializer[Any]):
    nextCursor = Text(allow_null=True)
    hasMore = Flag()

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {"data": FailedJob(many=True)}


class Counts(serializers.Serializer[Any]):
    waiting = Number()
    active = Number()
    completed = Number()
    failed = Number()
    delayed = Number()
    paused = Number()


class QueueStats(Counts):
    name = Text()
    oldestSeconds = serializers.FloatField()
    ratePerMinute = serializers.FloatField()


class QueueMetrics(serializers.Serializer[Any]):
    queues = serializers.DictField(child=QueueStats())
    totals = Counts()
    timestamp = serializers.DateTimeField()


class FlatCounts(serializers.Serializer[Any]):
    def get_fields(self) -> dict[str, Any]:
        return {state: Number() for state in FLAT}


class FlatQueueMetrics(serializers.Serializer[Any]):
    def get_fields(self) -> dict[str, Any]:
        return {queue.key: FlatCounts() for queue in QUEUES}


ANY_METRICS = PolymorphicProxySerializer(
    "AnyQueueMetrics", [QueueMetrics, FlatQueueMetrics], resource_type_field_name=None
)


class QueueChecks(serializers.Serializer[Any]):
    redis = Flag()
    accepting = Flag()
    processing = Flag()
    highFailureRate = Flag()


class QueueHealth(serializers.Serializer[Any]):
    queue = Text()
    key = Text()
    status = Text(help_text=STATUSES)
    checks = QueueChecks()
    failureRate = serializers.FloatField()
    averageProcessingTime = serializers.FloatField(help_text="Seconds.")
    waiting = Number()
    oldestSeconds = serializers.FloatField()
    workers = Number()
    checkedAt = serializers.DateTimeField()


class AllHealth(serializers.Serializer[Any]):
    status = Text(help_text=STATUSES)
    queues = serializers.DictField(child=QueueHealth())
    checkedAt = serializers.DateTimeField()
