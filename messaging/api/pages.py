"""Lists a page at a time: `{data, nextCursor, hasMore}` and a Link to the next page.

A cursor is 22 characters of base64url, as a UUID has: the id of the last row, or its seq. Every
cursor of that form means something, so none is refused, and the server keeps nothing.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from messaging.api.fields import Text

CURSOR = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]", re.ASCII)  # the last one carries two bits
DEFAULT_LIMIT, MOST = 25, 100
LARGEST_SEQ = 2**63 - 1


def encode(value: UUID | int) -> str:
    """The cursor that stands for *value*."""
    number = value.int if isinstance(value, UUID) else value
    return urlsafe_b64encode(number.to_bytes(16, "big")).rstrip(b"=").decode()


def seq_of(cursor: UUID) -> int:
    """The seq that *cursor* stands for."""
    return min(cursor.int, LARGEST_SEQ)


@extend_schema_field({"type": "string", "pattern": f"^{CURSOR.pattern}$"})
class Cursor(Text):
    """A cursor, as the UUID that its characters spell."""

    default_error_messages: ClassVar[dict[str, Any]] = {"invalid": "Must be a nextCursor."}

    def to_internal_value(self, data: object) -> UUID:  # type: ignore[override]
        if not isinstance(data, str) or not CURSOR.fullmatch(data):
            self.fail("invalid")
        return UUID(bytes=urlsafe_b64decode(data + "=="))


class Limit(serializers.IntegerField):
    """How many rows a page has."""

    def __init__(self, **options: Any) -> None:
        bounds = {"min_value": 1, "max_value": MOST, "default": DEFAULT_LIMIT}
        super().__init__(**bounds | options)

    def to_internal_value(self, data: object) -> int:
        if not isinstance(data, str) or not re.fullmatch("[0-9]{1,4}", data):
            self.fail("invalid")
        return int(data)


def page(
    request: Request, rows: Sequence[Mapping[str, Any]], limit: int, key: str = "id"
) -> Response:
    """The answer with the first *limit* of *rows*; one row more than that says that more follow."""
    shown = rows[:limit]
    more = len(rows) > limit
    cursor = encode(value_of(shown[-1][key])) if more else None
    response = Response({"data": shown, "nextCursor": cursor, "hasMore": more})
    if cursor:
        query = request.query_params.copy()
        query["cursor"] = cursor
        response["Link"] = f'<{request.path}?{query.urlencode()}>; rel="next"'
    return response


def value_of(key: object) -> UUID | int:
    """What a row's *key* is: a seq, or an id in either form."""
    return key if isinstance(key, int | UUID) else UUID(str(key))
