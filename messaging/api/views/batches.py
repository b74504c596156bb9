"""Batches: sending to many, seeing how far it is, steering it."""

from collections.abc import Callable
from typing import TypeVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from messaging import batches
from messaging.api import links, shapes
from messaging.api.authentication import caller
from messaging.api.idempotency import answered, key_of
from messaging.api.openapi import IDEMPOTENCY_KEY, problems
from messaging.api.pages import page, seq_of
from messaging.api.parsing import LongJSONParser
from messaging.api.serializers import (
    Page,
    Reasoned,
    RecipientQuery,
    SendBatch,
    body_of,
    query_of,
    shared,
)
from messaging.services import batch_lists
from messaging.services.batch_orders import Order

Post = TypeVar("Post", bound=Callable[..., Response])


@extend_schema(tags=["batches"])
class Send(APIView):
    quota = "sends"

    parser_classes = (LongJSONParser,)

    @extend_schema(
        operation_id="sendBatch",
        summary="Send one text to many people",
        description="Each gets a message of their own, in the conversation with them, at LOW "
        "priority. Repeated people count once. Somebody who is not an active user of the tenant "
        "is a failure of theirs, found in the batch's recipients, and harms no other. With "
        "`variables` each recipient needs a text for every `{name}` of the content.",
        request=SendBatch,
        parameters=[IDEMPOTENCY_KEY],
        responses={202: shapes.AcceptedBatch} | problems(400, 401, 409, 413, 415, 422, 429, 503),
    )
    def post(self, request: Request) -> Response:
        order = Order(**body_of(request, SendBatch))
        key = key_of(request, "/messages/batch")
        answer = batches.start_batch(sender=caller(request), order=order, key=key)
        found = links.of_batch(answer.body["batchId"], answer.body["jobId"])
        return answered(answer, str(found["self"]), links=found)


@extend_schema(tags=["batches"])
class Batches(APIView):
    @extend_schema(
        operation_id="listBatches",
        summary="One's batches, newest first",
        parameters=[Page],
        responses={200: shapes.BatchPage} | problems(400, 401),
    )
    def get(self, request: Request) -> Response:
        query = query_of(request, Page)
        rows = batch_lists.list_of(
            caller(request), limit=query["limit"] + 1, before=query.get("cursor")
        )
        return page(request, rows, query["limit"])


@extend_schema(tags=["batches"])
class OneBatch(APIView):
    @extend_schema(
        operation_id="getBatch",
        summary="How far a batch is, and what came of it",
        responses={200: shapes.Batch} | problems(401, 404),
    )
    def get(self, request: Request, batch_id: str) -> Response:
        return Response(batch_lists.get(caller(request), batch_id))


@extend_schema(tags=["batches"])
class Recipients(APIView):
    @extend_schema(
        operation_id="listBatchRecipients",
        summary="Who of a batch was tried, and what came of each",
        description="In the batch's order; who was not tried yet is not in the list.",
        parameters=[RecipientQuery],
        responses={200: shapes.BatchRecipientPage} | problems(400, 401, 404),
    )
    def get(self, request: Request, batch_id: str) -> Response:
        query = query_of(request, RecipientQuery)
        cursor = query.get("cursor")
        rows = batch_lists.recipients(
            caller(request),
            batch_id,
            limit=query["limit"] + 1,
            after=None if cursor is None else seq_of(cursor),
            status=query.get("status"),
        )
        return page(request, rows, query["limit"], key="position")


def steering(operation_id: str, summary: str) -> Callable[[Post], Post]:
    """What the schema says of a turn of a batch."""
    described: Callable[[Post], Post] = extend_schema(
        operation_id=operation_id,
        tags=["batches"],
        summary=summary,
        request=Reasoned,
        responses={200: shapes.Batch} | problems(400, 401, 404, 409, 413, 415),
    )
    return described


def steered(request: Request, batch_id: str, verb: str) -> Response:
    """The batch after its turn; a body, and a reason in it, may be left out."""
    body = shared(Reasoned).run_validation(request.data or {})
    user = caller(request)
    rows = batch_lists.named(user, batch_id)
    return Response(batches.steer(rows, verb, user, body["reason"]))


class Pause(APIView):
    @steering("pauseBatch", "Send nothing after the chunk that is being sent")
    def post(self, request: Request, batch_id: str) -> Response:
        return steered(request, batch_id, "pause")


class Resume(APIView):
    @steering("resumeBatch", "Go on after a pause")
    def post(self, request: Request, batch_id: str) -> Response:
        return steered(request, batch_id, "resume")


class Cancel(APIView):
    @steering("cancelBatch", "Send to nobody else, for good")
    def post(self, request: Request, batch_id: str) -> Response:
        return steered(request, batch_id, "cancel")


class RetryFailed(APIView):
    @steering("retryFailedOfBatch", "Send to those who are missing, and to nobody else")
    def post(self, request: Request, batch_id: str) -> Response:
        return steered(request, batch_id, "retry")
