"""The Idempotency-Key of a request, and the answer to it."""

import json
import re

from rest_framework.request import Request
from rest_framework.response import Response

from messaging.errors import Malformed
from messaging.services.idempotency import Answer, Key

PRINTABLE = re.compile(r"[ -~]{1,255}")


def key_of(request: Request, operation: str) -> Key | None:
    """The key that came with *request*; *operation* is the address without its prefix."""
    value = request.headers.get("Idempotency-Key")
    if value is None:
        return None
    if not PRINTABLE.fullmatch(value):
        raise Malformed("Idempotency-Key has 1 to 255 printable ASCII characters.")
    canonical = json.dumps(request.data, sort_keys=True, separators=(",", ":"))
    return Key.of(value, str(request.method), operation, canonical.encode())


def answered(answer: Answer, location: str, **more: object) -> Response:
    """*answer* with *more* beside it; a repetition is marked as one."""
    response = Response({**answer.body, **more}, answer.status, headers={"Location": location})
    if answer.replayed:
        response["Idempotent-Replayed"] = "true"
    return response
