"""The only place where an error becomes HTTP: application/problem+json (RFC 9457).

`translate` knows one function for each family of errors; whatever none of them knows is our fault,
is answered with 500 and no word of what happened, and is logged by its class and frames only, since
an exception's text may quote what somebody wrote.
"""

import logging
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import singledispatch
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response

from messaging.api.authentication import CHALLENGE
from messaging.api.middleware import API, request_id_of
from messaging.api.pointers import by_parameter, entries, entry
from messaging.api.problems import KINDS, type_of
from messaging.errors import MessagingError
from queueing.errors import JobNotFound, JobStateConflict, QueueNotFound

CONTENT_TYPE = "application/problem+json"
MOST_ERRORS = 50  # of one answer

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal as it is rendered."""

    code: str
    title: str = ""
    detail: str = ""
    errors: list[dict[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        return KINDS[self.code].status

    def body(self, request: HttpRequest | None) -> dict[str, object]:
        """The JSON of it, for the answer to *request*."""
        body: dict[str, object] = {
            "type": type_of(self.code),
            "title": self.title or KINDS[self.code].title,
            "status": self.status,
            "detail": self.detail or KINDS[self.code].advice,
            "requestId": request_id_of(request),
        }
        return body | {"errors": self.errors[:MOST_ERRORS]} if self.errors else body


REST_FRAMEWORK: dict[type[exceptions.APIException], str] = {
    exceptions.ParseError: "malformed",
    exceptions.PermissionDenied: "forbidden",
    exceptions.NotFound: "not-found",
    exceptions.NotAcceptable: "not-acceptable",
    exceptions.UnsupportedMediaType: "unsupported-media-type",
    exceptions.MethodNotAllowed: "method-not-allowed",
}


def problem(error: Exception, context: Mapping[str, Any]) -> Response:
    """The answer to a request that ended in *error* (REST framework's EXCEPTION_HANDLER)."""
    request = getattr(context.get("request"), "_request", None)
    found = translate(error)
    if request is not None and request.method == "GET":
        found = replace(found, errors=[by_parameter(one) for one in found.errors])
    if found.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        witness(error, request)
    return Response(
        found.body(request), found.status, headers=found.headers, content_type=CONTENT_TYPE
    )


def witness(error: BaseException, request: HttpRequest | None) -> None:
    """Log what went wrong: class and frames, never the text."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    name = type(error).__name__
    logger.error("request %s: %s\n%s", request_id_of(request), name, frames, extra={"code": name})


@singledispatch
def translate(error: Exception) -> Problem:
    """The problem that *error* is to the caller."""
    return Problem("internal")


@translate.register
def _(error: MessagingError) -> Problem:
    headers = {"WWW-Authenticate": CHALLENGE} if error.status == HTTPStatus.UNAUTHORIZED else {}
    if error.retry_after:
        headers["Retry-After"] = str(error.retry_after)
    errors = []
    if error.pointer is not None:
        errors = [entry("#" + error.pointer, "invalid", error.detail or error.title)]
    return Problem(error.code, error.title, error.detail, errors, headers)


@translate.register
def _(error: exceptions.APIException) -> Problem:
    return Problem(REST_FRAMEWORK.get(type(error), "internal"))


@translate.register
def _(error: exceptions.NotAuthenticated | exceptions.AuthenticationFailed) -> Problem:
    return Problem("unauthenticated", headers={"WWW-Authenticate": CHALLENGE})


@translate.register
def _(error: exceptions.ValidationError) -> Problem:
    return Problem("validation", errors=list(entries(error.detail, "#")))


@translate.register
def _(error: JobNotFound | QueueNotFound | Http404) -> Problem:
    return Problem("not-found")


@translate.register
def _(error: JobStateConflict) -> Problem:
    return Problem("job-state")


@translate.register
def _(error: PermissionDenied) -> Problem:
    return Problem("forbidden")


@translate.register
def _(error: RequestDataTooBig) -> Problem:
    return Problem("payload-too-large")


@translate.register
def _(error: SuspiciousOperation) -> Problem:
    return Problem("malformed")


@translate.register
def _(error: OperationalError | InterfaceError) -> Problem:
    return Problem("unavailable", headers={"Retry-After": "1"})


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 404: a problem under the API, its own page elsewhere."""
    if request.path.startswith(API):
        return plain(Problem("not-found"), request)
    return defaults.page_not_found(request, exception)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 400, for what never reached a view."""
    if request.path.startswith(API):
        return plain(Problem("malformed"), request)
    return defaults.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's 500, for what went wrong outside of a view."""
    if request.path.startswith(API):
        return plain(Problem("internal"), request)
    return defaults.server_error(request)


def plain(found: Problem, request: HttpRequest) -> HttpResponse:
    """The answer where no view, so no renderer, was reached."""
    return JsonResponse(found.body(request), status=found.status, content_type=CONTENT_TYPE)
