"""Jobs, counters, health and dead letters.

Who owns a job sees it and may retry it; staff the jobs of their tenant, operators all; to anybody
else it is not there. Dead letters are listed for staff only.
"""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from queueing import control, health, metrics
from queueing.api import rendering, shapes
from queueing.api.inputs import FailedQuery, MetricsQuery, Retry, body_of, query_of
from queueing.errors import JobNotFound, QueueNotFound
from queueing.models import Job
from queueing.queues import Queue, find

PROBLEM = "application/problem+json"
MEANINGS = {
    400: "The request cannot be read, or a field is not valid.",
    401: "No valid access token.",
    403: "For operators only.",
    404: "It is not there, or not for the caller.",
    409: "The job is in no state for that.",
}


def problems(*statuses: int) -> dict[Any, Any]:
    """The refusals of an operation, by status."""
    return {
        (status, PROBLEM): OpenApiResponse(OpenApiTypes.OBJECT, MEANINGS[status])
        for status in statuses
    }


@extend_schema(tags=["jobs"])
class OneJob(APIView):
    @extend_schema(
        operation_id="getJob",
        summary="How far a job is",
        responses={200: shapes.Job, **problems(401, 404)},
    )
    def get(self, request: Request, job_id: UUID) -> Response:
        return Response(rendering.whole(job_of(request, job_id)))


@extend_schema(tags=["jobs"])
class RetryJob(APIView):
    @extend_schema(
        operation_id="retryJob",
        summary="Retry a dead letter",
        description="It keeps its id and resumes at its step with all its queue's attempts.",
        request=Retry,
        responses={202: shapes.RetriedJob, **problems(400, 401, 404, 409)},
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        return retry(request, job_of(request, job_id))


@extend_schema(tags=["queues"])
class Metrics(APIView):
    @extend_schema(
        operation_id="getQueueMetrics",
        summary="The counters of all queues",
        description="With `shape=flat` an object by key with four counters each.",
        parameters=[MetricsQuery],
        responses={200: shapes.ANY_METRICS, **problems(400, 401)},
    )
    def get(self, request: Request) -> Response:
        flat = query_of(request, MetricsQuery)["shape"] == "flat"
        return Response(metrics.flat() if flat else metrics.snapshot())


@extend_schema(tags=["queues"])
class Health(APIView):
    @extend_schema(
        operation_id="getHealth",
        summary="The health of all queues",
        responses={200: shapes.AllHealth, **problems(401)},
    )
    def get(self, request: Request) -> Response:
        return Response(health.everything())


@extend_schema(tags=["queues"])
class QueueHealth(APIView):
    @extend_schema(
        operation_id="getQueueHealth",
        summary="The health of a queue",
        responses={200: shapes.QueueHealth, **problems(401, 404)},
    )
    def get(self, request: Request, queue: str) -> Response:
        return Response(health.of(queue_of(queue)))


@extend_schema(tags=["queues"])
class FailedJobs(APIView):
    @extend_schema(
        operation_id="listFailedJobs",
        summary="The dead letters of a queue",
        description="Newest first, ids and error codes only.",
        parameters=[FailedQuery],
        responses={200: shapes.FailedJobPage, **problems(400, 401, 403, 404)},
    )
    def get(self, request: Request, queue: str) -> Response:
        name = queue_of(queue).name
        if not request.user.is_staff:
            raise PermissionDenied
        query = query_of(request, FailedQuery)
        jobs = Job.objects.of(request.user).dead().filter(queue=name)
        if cursor := query.get("cursor"):
            jobs = jobs.filter(id__lt=cursor)
        rows = list(jobs.order_by("-id")[: query["limit"] + 1])
        shown, more = rows[: query["limit"]], len(rows) > query["limit"]
        data = rendering.described(shown)
        return Response(
            {
                "data": [rendering.failed(job, data[job.id]) for job in shown],
                "nextCursor": rendering.cursor_of(shown[-1].id) if more else None,
                "hasMore": more,
            }
        )


@extend_schema(tags=["queues"])
class RetryFailed(APIView):
    @extend_schema(
        operation_id="retryFailedJob",
        summary="Retry a dead letter of a queue",
        request=Retry,
        responses={202: shapes.RetriedJob, **problems(400, 401, 404, 409)},
    )
    def post(self, request: Request, queue: str, job_id: UUID) -> Response:
        job = job_of(request, job_id)
        if job.queue != queue_of(queue).name or not request.user.is_staff:
            raise JobNotFound
        return retry(request, job)


def retry(request: Request, job: Job) -> Response:
    """Give *job* its attempts again, in the name of who asks."""
    reason = body_of(request, Retry)["reason"]
    job = control.retry(job.id, actor_id=request.user.pk, reason=reason)
    return Response(rendering.retried(job), status=202)


def job_of(request: Request, job_id: UUID) -> Job:
    """The job *job_id*, if it is there for the caller."""
    job = Job.objects.of(request.user).filter(id=job_id).first()
    if job is None:
        raise JobNotFound
    return job


def queue_of(name: str) -> Queue:
    """The queue meant by its key, its wire name or its short name."""
    queue = find(name)
    if queue is None:
        raise QueueNotFound
    return queue
