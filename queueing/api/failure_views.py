"""The causes of a queue's dead letters, for staff."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from queueing import failures
from queueing.api.inputs import Limit, Strict, query_of
from queueing.api.shapes import Id, Number, Text
from queueing.api.views import problems, queue_of
from queueing.failures import Failure
from queueing.models import Job
from queueing.moments import rfc3339


class FailuresQuery(Strict):
    limit = Limit(min_value=1, max_value=failures.MOST, default=failures.MOST)


class Cause(serializers.Serializer[Any]):
    fingerprint = Text(help_text="The same for one kind of job, error and place in the code.")
    code = Text()
    title = Text()
    name = Text(help_text="The kind of job.")
    location = Text(help_text="File, line and function; empty where nobody raised it.")
    count = Number()
    firstFailedAt = serializers.DateTimeField()
    lastFailedAt = serializers.DateTimeField()
    jobId = Id(help_text="The latest one.")


class Causes(serializers.Serializer[Any]):
    queue = Text()
    key = Text()
    total = Number(help_text="All dead letters of the queue.")

    def get_fields(self) -> dict[str, Any]:
        # `data` is an attribute of every serializer, of another type.
        return super().get_fields() | {"data": Cause(many=True)}


@extend_schema(tags=["queues"])
class Failures(APIView):
    @extend_schema(
        operation_id="listFailureCauses",
        summary="Why jobs of a queue have failed",
        description="Its dead letters by cause, the most frequent first; codes and ids only.",
        parameters=[FailuresQuery],
        responses={200: Causes, **problems(400, 401, 403, 404)},
    )
    def get(self, request: Request, queue: str) -> Response:
        asked = queue_of(queue)
        if not request.user.is_staff:
            raise PermissionDenied
        query = query_of(request, FailuresQuery)
        jobs = Job.objects.of(request.user).filter(queue=asked.name)
        found = failures.of(jobs, limit=query["limit"])
        return Response(
            {
                "queue": asked.name,
                "key": asked.key,
                "total": jobs.dead().count(),
                "data": [cause(failure) for failure in found],
            }
        )


def cause(failure: Failure) -> dict[str, Any]:
    """What is said of *failure*."""
    return {
        "fingerprint": failure.fingerprint,
        "code": failure.code,
        "title": failure.title,
        "name": failure.kind,
        "location": failure.location,
        "count": failure.count,
        "firstFailedAt": rfc3339(failure.first),
        "lastFailedAt": rfc3339(failure.last),
        "jobId": str(failure.job_id),
    }
