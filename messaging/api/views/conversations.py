"""Conversations: who is in them, what was said, how far one has read."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from messaging.api import links, shapes
from messaging.api.authentication import caller
from messaging.api.idempotency import answered, key_of
from messaging.api.openapi import IDEMPOTENCY_KEY, problems
from messaging.api.pages import page, seq_of
from messaging.api.serializers import (
    AddParticipant,
    Page,
    ReadMarker,
    StartConversation,
    body_of,
    query_of,
)
from messaging.services import conversations, reading, receipts


@extend_schema(tags=["conversations"])
class Conversations(APIView):
    @extend_schema(
        operation_id="listConversations",
        summary="One's conversations, newest first",
        parameters=[Page],
        responses={200: shapes.ConversationPage} | problems(400, 401),
    )
    def get(self, request: Request) -> Response:
        query = query_of(request, Page)
        rows = conversations.list_of(
            caller(request), limit=query["limit"] + 1, before=query.get("cursor")
        )
        return page(request, rows, query["limit"])

    @extend_schema(
        operation_id="startConversation",
        summary="Start a group",
        request=StartConversation,
        parameters=[IDEMPOTENCY_KEY],
        responses={201: shapes.Conversation}
        | problems(400, 401, 403, 404, 409, 413, 415, 422, 503),
    )
    def post(self, request: Request) -> Response:
        body = body_of(request, StartConversation)
        answer = conversations.start(
            creator=caller(request), key=key_of(request, "/conversations"), **body
        )
        return answered(answer, links.conversation(answer.body["id"]))


@extend_schema(tags=["conversations"])
class OneConversation(APIView):
    @extend_schema(
        operation_id="getConversation",
        summary="One conversation",
        responses={200: shapes.Conversation} | problems(401, 404),
    )
    def get(self, request: Request, conversation_id: UUID) -> Response:
        return Response(conversations.get(caller(request), conversation_id))


@extend_schema(tags=["conversations"])
class Participants(APIView):
    @extend_schema(
        operation_id="addParticipant",
        summary="Add somebody",
        request=AddParticipant,
        responses={204: None} | problems(400, 401, 403, 404, 409, 413, 415),
    )
    def post(self, request: Request, conversation_id: UUID) -> Response:
        body = body_of(request, AddParticipant)
        conversations.add_participant(
            actor=caller(request), conversation_id=conversation_id, **body
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(tags=["conversations"])
class OneParticipant(APIView):
    @extend_schema(
        operation_id="removeParticipant",
        summary="Remove somebody, or leave",
        responses={204: None} | problems(401, 403, 404, 409),
    )
    def delete(self, request: Request, conversation_id: UUID, user_id: UUID) -> Response:
        conversations.remove_participant(
            actor=caller(request), conversation_id=conversation_id, user_id=user_id
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(tags=["conversations"])
class Messages(APIView):
    @extend_schema(
        operation_id="listMessages",
        summary="The messages of a conversation, newest first",
        parameters=[Page],
        responses={200: shapes.MessagePage} | problems(400, 401, 404),
    )
    def get(self, request: Request, conversation_id: UUID) -> Response:
        query = query_of(request, Page)
        cursor = query.get("cursor")
        rows = reading.list_messages(
            caller(request),
            conversation_id,
            before=None if cursor is None else seq_of(cursor),
            limit=query["limit"] + 1,
        )
        return page(request, rows, query["limit"], key="seq")


@extend_schema(tags=["conversations"])
class Read(APIView):
    @extend_schema(
        operation_id="markRead",
        summary="Mark everything up to a seq as read",
        description="Only ever forward: a lower seq than before changes nothing.",
        request=ReadMarker,
        responses={204: None} | problems(400, 401, 404, 413, 415),
    )
    def put(self, request: Request, conversation_id: UUID) -> Response:
        body = body_of(request, ReadMarker)
        receipts.read(caller(request), conversation_id, body["seq"])
        return Response(status=status.HTTP_204_NO_CONTENT)
