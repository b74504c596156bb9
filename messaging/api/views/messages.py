"""Sending, reading and finding messages."""

import re
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from messaging.api import links, shapes
from messaging.api.authentication import caller
from messaging.api.idempotency import answered, key_of
from messaging.api.openapi import IDEMPOTENCY_KEY, IF_MATCH, problems
from messaging.api.pages import page
from messaging.api.preconditions import etag, versions_of
from messaging.api.serializers import Edit, SearchQuery, SendDirect, SendGroup, body_of, query_of
from messaging.models import Priority
from messaging.services import changing, reading, searching, sending, verifying
from messaging.services.idempotency import Answer
from messaging.services.sending import Draft

TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
REFUSALS = problems(400, 401, 403, 404, 409, 413, 415, 422, 429, 503)


@extend_schema(tags=["messages"])
class Direct(APIView):
    quota = "sends"

    @extend_schema(
        operation_id="sendDirectMessage",
        summary="Send to one person",
        request=SendDirect,
        parameters=[IDEMPOTENCY_KEY],
        responses={202: shapes.Accepted} | REFUSALS,
    )
    def post(self, request: Request) -> Response:
        body = body_of(request, SendDirect)
        answer = sending.send_direct(
            sender=caller(request),
            recipient_id=body["recipient_id"],
            draft=draft_of(body, request),
            key=key_of(request, "/messages/direct"),
        )
        return accepted(answer)


@extend_schema(tags=["messages"])
class Group(APIView):
    quota = "sends"

    @extend_schema(
        operation_id="sendGroupMessage",
        summary="Send to a conversation",
        request=SendGroup,
        parameters=[IDEMPOTENCY_KEY],
        responses={202: shapes.Accepted} | REFUSALS,
    )
    def post(self, request: Request) -> Response:
        body = body_of(request, SendGroup)
        answer = sending.send_group(
            sender=caller(request),
            conversation_id=body["conversation_id"],
            draft=draft_of(body, request),
            key=key_of(request, "/messages/group"),
        )
        return accepted(answer)


@extend_schema(tags=["messages"])
class OneMessage(APIView):
    @extend_schema(
        operation_id="getMessage",
        summary="One message",
        responses={200: shapes.Message} | problems(401, 404),
    )
    def get(self, request: Request, message_id: UUID) -> Response:
        found = reading.get_message(caller(request), message_id)
        return Response(found, headers={"ETag": etag(found["version"])})

    @extend_schema(
        operation_id="editMessage",
        summary="Edit one's own message",
        request=Edit,
        parameters=[IF_MATCH],
        responses={202: shapes.Changed}
        | problems(400, 401, 403, 404, 409, 412, 413, 415, 428, 503),
    )
    def patch(self, request: Request, message_id: UUID) -> Response:
        body = body_of(request, Edit)
        changed = changing.edit_message(
            actor=caller(request), message_id=message_id, versions=versions_of(request), **body
        )
        found = links.of_accepted(message_id, changed["queue"]["jobIds"])
        headers = {"ETag": etag(changed["message"]["version"])}
        return Response({**changed, "links": found}, 202, headers=headers)

    @extend_schema(
        operation_id="deleteMessage",
        summary="Delete one's own message",
        parameters=[IF_MATCH],
        responses={204: None} | problems(400, 401, 403, 404, 409, 412, 428),
    )
    def delete(self, request: Request, message_id: UUID) -> Response:
        changing.delete_message(
            actor=caller(request), message_id=message_id, versions=versions_of(request)
        )
        return Response(status=204)


@extend_schema(tags=["messages"])
class Verify(APIView):
    @extend_schema(
        operation_id="verifyMessage",
        summary="Try whether a stored message opens",
        description="For staff. A worker opens it and records only whether that went well: the "
        "job's `result` is `{success, opens, code}`.",
        request=None,
        responses={202: shapes.Verification} | problems(401, 403, 404),
    )
    def post(self, request: Request, message_id: UUID) -> Response:
        asked = verifying.verify_message(actor=caller(request), message_id=message_id)
        found = links.job(asked["jobId"])
        return Response({**asked, "links": {"job": found}}, 202, headers={"Location": found})


@extend_schema(tags=["messages"])
class Deliveries(APIView):
    @extend_schema(
        operation_id="listDeliveries",
        summary="How far a message has come, by recipient",
        responses={200: shapes.DeliveryList} | problems(401, 404),
    )
    def get(self, request: Request, message_id: UUID) -> Response:
        return Response({"data": reading.deliveries(caller(request), message_id)})


@extend_schema(tags=["messages"])
class Search(APIView):
    @extend_schema(
        operation_id="searchMessages",
        summary="Find messages by their words",
        parameters=[SearchQuery],
        responses={200: shapes.MessagePage} | problems(400, 401, 404),
    )
    def get(self, request: Request) -> Response:
        query = query_of(request, SearchQuery)
        found = searching.search(
            caller(request),
            q=query["q"],
            conversation_id=query.get("conversation_id"),
            limit=query["limit"] + 1,
            before=query.get("cursor"),
        )
        return page(request, found, query["limit"])


def draft_of(body: dict[str, Any], request: Request) -> Draft:
    """What is to be sent, without where to."""
    priority = body.get("priority", Priority.NORMAL)
    traceparent = request.headers.get("traceparent", "")
    return Draft(
        content=body["content"],
        encrypted=body.get("encrypted"),
        priority=min(priority, Priority.HIGH) if body.get("urgent") else priority,
        scheduled_at=body.get("scheduled_at"),
        client_message_id=body.get("client_message_id"),
        notify=body["notify"],
        index=body["index"],
        metadata=body.get("metadata"),
        traceparent=traceparent if TRACEPARENT.fullmatch(traceparent) else "",
    )


def accepted(answer: Answer) -> Response:
    """The 202 with its links."""
    found = links.of_accepted(answer.body["message"]["id"], answer.body["queue"]["jobIds"])
    return answered(answer, str(found["self"]), links=found)
