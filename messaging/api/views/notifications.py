"""The inbox: what one has been told of."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from messaging.api import shapes
from messaging.api.authentication import caller
from messaging.api.openapi import problems
from messaging.api.pages import page
from messaging.api.serializers import Page, query_of
from messaging.services import reading


@extend_schema(tags=["notifications"])
class Inbox(APIView):
    @extend_schema(
        operation_id="listNotifications",
        summary="One's notifications, newest first",
        parameters=[Page],
        responses={200: shapes.NotificationPage} | problems(400, 401),
    )
    def get(self, request: Request) -> Response:
        query = query_of(request, Page)
        rows = reading.inbox(caller(request), limit=query["limit"] + 1, before=query.get("cursor"))
        return page(request, rows, query["limit"])


@extend_schema(tags=["notifications"])
class ReadNotification(APIView):
    @extend_schema(
        operation_id="markNotificationRead",
        summary="Mark a notification as read",
        request=None,
        responses={204: None} | problems(401, 404),
    )
    def post(self, request: Request, notification_id: UUID) -> Response:
        reading.mark_inbox_read(caller(request), notification_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
