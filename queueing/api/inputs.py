"""What requests may say: nothing that is not named here."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

CURSOR = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]", re.ASCII)  # the last one carries two bits
MOST_FAILED, FAILED = 500, 50  # of a page (S117)
LONGEST_REASON = 500


class Strict(serializers.Serializer[Any]):
    """A body or the parameters of an address; an unknown name is refused."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = set(data) - set(self.fields) if isinstance(data, Mapping) else set()
        if unknown:
            errors = {name: ["There is no such field."] for name in unknown}
            raise serializers.ValidationError(errors, code="unknown")
        return super().to_internal_value(data)


class Limit(serializers.IntegerField):
    """How many rows a page has."""

    def to_internal_value(self, data: object) -> int:
        if not isinstance(data, str) or not re.fullmatch("[0-9]{1,4}", data, re.ASCII):
            self.fail("invalid")
        return int(data)


@extend_schema_field({"type": "string", "pattern": f"^{CURSOR.pattern}$"})
class Cursor(serializers.CharField):
    """A cursor, as the id that its characters spell."""

    default_error_messages = {"invalid": "Must be a nextCursor."}

    def to_internal_value(self, data: object) -> UUID:  # type: ignore[override]
        if not isinstance(data, str) or not CURSOR.fullmatch(data):
            self.fail("invalid")
        return UUID(bytes=urlsafe_b64decode(data + "=="))


class Reason(serializers.CharField):
    """Why, in the operator's words."""

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class FailedQuery(Strict):
    limit = Limit(min_value=1, max_value=MOST_FAILED, default=FAILED)
    cursor = Cursor(required=False)


class MetricsQuery(Strict):
    shape = serializers.ChoiceField(choices=["full", "flat"], default="full")


class Retry(Strict):
    reason = Reason(max_length=LONGEST_REASON, required=False, default="", allow_blank=True)


def query_of(request: Request, kind: type[Strict]) -> dict[str, Any]:
    """The parameters of *request*'s address, validated as *kind*."""
    found: dict[str, Any] = kind().run_validation(request.query_params.dict())
    return found


def body_of(request: Request, kind: type[Strict]) -> dict[str, Any]:
    """The body of *request*, validated as *kind*; none is as good as an empty one."""
    found: dict[str, Any] = kind().run_validation({} if request.data is None else request.data)
    return found
