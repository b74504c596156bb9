"""Fields that take a JSON value of their own type and no other: no "true", no 0 for a text."""

import json
import re
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from messaging.models import Priority
from messaging.models.accounts import E164

CANONICAL = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
METADATA_BYTES = 1024


class Text(serializers.CharField):
    """A text, kept as it was written."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"trim_whitespace": False} | options)

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return data


@extend_schema_field({"type": "string", "pattern": f"^({E164})?$"})
class Phone(Text):
    """A telephone number of E.164, or none."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "invalid": "Must be a number of E.164, as in +4930123456."
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_blank": True, "max_length": 16} | options)

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str) or not re.fullmatch(E164, data):
            self.fail("invalid")
        return data


class Flag(serializers.BooleanField):
    """true or false."""

    def to_internal_value(self, data: object) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class Whole(serializers.IntegerField):
    """A whole number."""

    def to_internal_value(self, data: object) -> int:
        if type(data) is not int:  # a bool is an int to isinstance
            self.fail("invalid")
        return data


class Id(serializers.UUIDField):
    """A UUID in its usual form."""

    default_error_messages: ClassVar[dict[str, Any]] = {"invalid": "Must be a UUID."}

    def to_internal_value(self, data: object) -> UUID:
        if not isinstance(data, str) or not CANONICAL.fullmatch(data):
            self.fail("invalid")
        return UUID(data)


class Moment(serializers.DateTimeField):
    """A time of RFC 3339, with its offset."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "invalid": "Must be a time of RFC 3339 with its offset, as in 2026-01-01T00:00:00Z."
    }

    def to_internal_value(self, data: object) -> datetime:
        if not isinstance(data, str) or not RFC3339.fullmatch(data):
            self.fail("invalid")
        try:
            return super().to_internal_value(data.upper())
        except OverflowError:  # the year 9999 in a zone behind
            self.fail("invalid")


class PriorityName(serializers.ChoiceField):
    """LOW, NORMAL, HIGH or CRITICAL."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "invalid_choice": "Must be one of LOW, NORMAL, HIGH, CRITICAL."
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=[priority.name for priority in reversed(Priority)], **options)

    def to_internal_value(self, data: object) -> Priority:  # type: ignore[override]
        if not isinstance(data, str) or data not in Priority.__members__:
            self.fail("invalid_choice")
        return Priority[data]


class Metadata(serializers.DictField):
    """The sender's own fields: any JSON object of at most 1 KiB."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "too_long": f"At most {METADATA_BYTES} bytes as JSON."
    }

    def to_internal_value(self, data: object) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("not_a_dict", input_type=type(data).__name__)
        compact = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        if len(compact.encode()) > METADATA_BYTES:
            self.fail("too_long")
        return data


class Variables(serializers.DictField):
    """What each recipient reads in the places of a text: texts by name, by recipient."""

    child = serializers.DictField(child=Text(allow_blank=True, max_length=500))
    default_error_messages: ClassVar[dict[str, Any]] = {"not_an_id": "Must be a recipient's id."}

    def to_internal_value(self, data: Any) -> dict[UUID, dict[str, str]]:
        if isinstance(data, dict) and not all(CANONICAL.fullmatch(name) for name in data):
            self.fail("not_an_id")
        found: dict[str, dict[str, str]] = super().to_internal_value(data)
        return {UUID(person): words for person, words in found.items()}
