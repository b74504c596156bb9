"""What every answer carries: the id of its request, and that nobody may keep it."""

import re
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from messaging.api.throttling import quota_of
from queueing import context
from queueing.ids import uuid7

SANE = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
API = "/api/"
NAMED = {"conversation_id", "job_id", "message_id"}


class RequestId:
    """Names each request, by the caller's X-Request-Id when it is sane, for answers and logs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        request_id = given if SANE.fullmatch(given) else str(uuid7())
        request.META["waxwing.request_id"] = request_id
        trace = context.trace_of(request.headers.get("traceparent", ""))
        with context.about(request_id=request_id, trace_id=trace) as known:
            request.META["waxwing.context"] = known  # Django logs the answer after we are done
            response = self.get_response(request)
        response["X-Request-Id"] = request_id
        if request.path.startswith(API):
            for name, value in quota_of(request).items():
                response[name] = value
            response.headers.setdefault("Cache-Control", "no-store")
            patch_vary_headers(response, ["Authorization"])
        return response

    def process_view(
        self, request: HttpRequest, view: object, args: list[Any], kwargs: dict[str, Any]
    ) -> None:
        """Note what the address names."""
        context.learn(**{name: kwargs[name] for name in NAMED & kwargs.keys()})


def request_id_of(request: HttpRequest | None) -> str:
    """The id of *request*; empty where the middleware has not seen it."""
    return "" if request is None else str(request.META.get("waxwing.request_id", ""))
