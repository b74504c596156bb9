"""Quotas of calls that carry a token: counted before the work, told on every answer."""

from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from messaging.models import User
from messaging.services import quotas
from messaging.services.quotas import Scope

HEADERS = "waxwing.quota"


class Quota(BaseThrottle):
    """Counts a call as one of its view's *quota*: a send, or any other call."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Always, unless it is refused with an error that says why and until when."""
        if isinstance(request.user, User):
            scope: Scope = getattr(view, "quota", "calls")
            counted = quotas.count(scope, request.user)
            request.META[HEADERS] = counted.headers()
            counted.require()
        return True


def quota_of(request: HttpRequest) -> dict[str, str]:
    """The headers that say what *request* has left; none where it was not counted."""
    found: dict[str, str] = request.META.get(HEADERS, {})
    return found
