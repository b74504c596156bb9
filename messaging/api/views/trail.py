"""The audit trail, for security officers."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from messaging.api import trail_shapes as shapes
from messaging.api.authentication import caller
from messaging.api.openapi import problems
from messaging.api.pages import page
from messaging.api.serializers import query_of
from messaging.services import trail


@extend_schema(tags=["audit"])
class AuditTrail(APIView):
    @extend_schema(
        operation_id="listAuditEvents",
        summary="Who did what to what, newest first",
        description=(
            "For members of the group Security officer: the trail of their tenant, for those of "
            "the operators' tenant of all. Reading it, and being refused, are in it too."
        ),
        parameters=[shapes.AuditQuery],
        responses={200: shapes.AuditEventPage} | problems(400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        query = query_of(request, shapes.AuditQuery)
        limit, before = query.pop("limit"), query.pop("cursor", None)
        filters = trail.Filters(**query)
        rows = trail.read(caller(request), filters, limit=limit + 1, before=before)
        return page(request, rows, limit)
