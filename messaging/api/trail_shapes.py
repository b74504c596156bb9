"""What is asked of the audit trail, and what it answers."""

from typing import Any

from rest_framework import serializers

from messaging.api.fields import Id, Moment, Text
from messaging.api.serializers import Page, Shape
from messaging.api.shapes import paged


class Code(serializers.RegexField):
    """An action, or a target's id: what the trail is filtered by stands in it, so no free text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(r"\A[A-Za-z0-9_.:*-]{1,64}\Z", **options)

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class AuditQuery(Page):
    actor = Id(required=False)
    action = Code(required=False, help_text="As in message.read.")
    target = Code(required=False, help_text="The id of what it was done to.")

    def get_fields(self) -> dict[str, Any]:
        # `from` is no name in Python.
        period = {
            "from": Moment(source="since", required=False, help_text="The earliest time."),
            "to": Moment(source="until", required=False, help_text="Up to, not including it."),
        }
        return super().get_fields() | period


class AuditEvent(Shape):
    id = serializers.UUIDField()
    tenant_id = serializers.UUIDField()
    actor_id = serializers.UUIDField(allow_null=True, help_text="null: the system itself.")
    action = serializers.CharField()
    target_type = serializers.CharField()
    target_id = Text()
    at = serializers.DateTimeField()
    facts = serializers.DictField(help_text="Ids, codes, counts and hashes.")


AuditEventPage = paged(AuditEvent)
