"""The devices that one is pushed to."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from messaging.api import account_shapes as shapes
from messaging.api.authentication import caller, identity_of
from messaging.api.openapi import problems
from messaging.api.pages import page
from messaging.api.rendering import moment
from messaging.api.serializers import Page, RegisterDevice, body_of, query_of
from messaging.models import DevicePushToken
from messaging.services import devices


@extend_schema(tags=["devices"])
class Devices(APIView):
    @extend_schema(
        operation_id="listDevices",
        summary="The devices that one is pushed to, newest first",
        parameters=[Page],
        responses={200: shapes.DevicePage} | problems(400, 401),
    )
    def get(self, request: Request) -> Response:
        query = query_of(request, Page)
        limit = query["limit"]
        rows = devices.list_of(caller(request), limit=limit + 1, before=query.get("cursor"))
        return page(request, [shown(row) for row in rows], limit)

    @extend_schema(
        operation_id="registerDevice",
        summary="Be pushed to on a device",
        description="To be repeated at each start of an app: it says that the device is still in "
        "use, and a token that was another person's moves to the caller.",
        request=RegisterDevice,
        responses={201: shapes.Device} | problems(400, 401, 409, 413, 415, 503),
    )
    def post(self, request: Request) -> Response:
        body = body_of(request, RegisterDevice)
        identity = identity_of(request)
        row = devices.register(user=identity.user, session_id=identity.session_id, **body)
        return Response(shown(row), status.HTTP_201_CREATED)


@extend_schema(tags=["devices"])
class OneDevice(APIView):
    @extend_schema(
        operation_id="removeDevice",
        summary="Be pushed to on a device no more",
        responses={204: None} | problems(401, 404),
    )
    def delete(self, request: Request, device_id: UUID) -> Response:
        devices.remove(user=caller(request), device_id=device_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


def shown(row: DevicePushToken) -> dict[str, Any]:
    """*row* to its owner, without its token."""
    return {
        "id": str(row.pk),
        "platform": row.platform,
        "label": row.label,
        "createdAt": moment(row.created_at),
        "lastSeenAt": moment(row.last_seen_at),
        "disabledAt": moment(row.disabled_at) if row.disabled_at else None,
        "disabledReason": row.disabled_reason or None,
    }
