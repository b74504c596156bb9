"""What requests may say: camelCase on the wire, every field of its own type, no field unknown."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from django.core.validators import RegexValidator
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.request import Request
from rest_framework.serializers import as_serializer_error

from messaging.api.fields import (
    Flag,
    Id,
    Metadata,
    Moment,
    Phone,
    PriorityName,
    Text,
    Variables,
    Whole,
)
from messaging.api.pages import LARGEST_SEQ, Cursor, Limit
from messaging.models import DevicePushToken
from messaging.services.batch_lists import NAME as BATCH_NAME
from messaging.services.batch_orders import LARGEST_CHUNK, LONGEST_DELAY, MOST_RECIPIENTS
from messaging.services.conversations import MOST_PARTICIPANTS
from messaging.services.searching import MOST_CHARACTERS

CONTENT, CLIENT_ID, TITLE, NAME, PASSWORD, TOKEN = 10_000, 64, 200, 150, 1024, 2048  # characters
PUSH_TOKEN, LABEL = 4096, 100
UNKNOWN = ErrorDetail("There is no such field.", code="unknown")


def camel(name: str) -> str:
    """*name* as it is written on the wire."""
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


class Shape(serializers.Serializer[Any]):
    """Fields under their camelCase names: schema, errors and pointers then say the same."""

    def get_fields(self) -> dict[str, Any]:
        fields = {}
        for name, field in super().get_fields().items():
            if camel(name) != name:
                field.source = name
            fields[camel(name)] = field
        return fields


class Strict(Shape):
    """A request's body or parameters; what it does not know, it refuses."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = set(data) - set(self.fields) if isinstance(data, Mapping) else set()
        errors: dict[str, Any] = {name: [UNKNOWN] for name in unknown}
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError(errors | as_serializer_error(error)) from None
        if errors:
            raise serializers.ValidationError(errors)
        return value


@cache
def shared(kind: type[Strict]) -> Strict:
    """The one instance of *kind*: validating leaves nothing behind, making one is what costs."""
    return kind()


def body_of(request: Request, kind: type[Strict]) -> dict[str, Any]:
    """The body of *request*, validated as *kind*."""
    found: dict[str, Any] = shared(kind).run_validation(request.data)
    return found


def query_of(request: Request, kind: type[Strict]) -> dict[str, Any]:
    """The parameters of *request*'s address, validated as *kind*."""
    found: dict[str, Any] = shared(kind).run_validation(request.query_params.dict())
    return found


class Credentials(Strict):
    username = Text(max_length=NAME)
    password = Text(max_length=PASSWORD)


class RefreshToken(Strict):
    refresh_token = Text(max_length=TOKEN)


class ChangeMe(Strict):
    phone = Phone(help_text="E.164, as in +4930123456; empty for none.")


class RegisterDevice(Strict):
    platform = serializers.ChoiceField(choices=DevicePushToken.Platform.values)
    token = Text(max_length=PUSH_TOKEN)
    label = Text(max_length=LABEL, required=False, default="", allow_blank=True)  # type: ignore[assignment]


class Send(Strict):
    """What a message is, apart from where it goes."""

    content = Text(max_length=CONTENT)
    encrypted = Flag(required=False)
    priority = PriorityName(required=False)
    urgent = Flag(required=False, help_text="true means a priority of at least HIGH.")
    scheduled_at = Moment(required=False)
    client_message_id = Text(max_length=CLIENT_ID, required=False)
    notify = Flag(required=False, default=True)
    index = Flag(required=False, default=True)
    metadata = Metadata(required=False)


class SendDirect(Send):
    recipient_id = Id()


class SendGroup(Send):
    conversation_id = Id()


class Edit(Strict):
    """What a message says from now on."""

    content = Text(max_length=CONTENT)
    metadata = Metadata(required=False, help_text="Kept as it is where it is not given.")


class SendBatch(Strict):
    """One text to many people, each in a message and a conversation of their own."""

    batch_id = Text(
        max_length=64,
        required=False,
        validators=[RegexValidator(f"^{BATCH_NAME.pattern}$")],
        help_text="A name of the sender's for it; the same order under it is accepted once.",
    )
    recipient_ids = serializers.ListField(child=Id(), min_length=1, max_length=MOST_RECIPIENTS)
    content = Text(max_length=CONTENT)
    chunk_size = Whole(min_value=1, max_value=LARGEST_CHUNK, required=False, default=10)
    chunk_delay = Whole(
        min_value=0, max_value=LONGEST_DELAY, required=False, default=100, help_text="Milliseconds."
    )
    encrypted = Flag(required=False)
    notify = Flag(required=False, default=True)
    index = Flag(required=False, default=True)
    variables = Variables(
        required=False,
        help_text="By recipient, the text for each `{name}` of the content.",
    )


class Reasoned(Strict):
    """Why, for the audit trail."""

    reason = Text(max_length=500, required=False, default="", allow_blank=True)


class StartConversation(Strict):
    participant_ids = serializers.ListField(child=Id(), min_length=1, max_length=MOST_PARTICIPANTS)
    title = Text(max_length=TITLE, required=False, default="", allow_blank=True)


class AddParticipant(Strict):
    user_id = Id()
    role = serializers.ChoiceField(choices=["member", "owner"], default="member")
    history = Flag(required=False, default=False, help_text="Whether they see what was before.")


class ReadMarker(Strict):
    seq = Whole(min_value=0, max_value=LARGEST_SEQ)


class Page(Strict):
    limit = Limit()
    cursor = Cursor(required=False)


class RecipientQuery(Page):
    status = serializers.ChoiceField(choices=["pending", "sent", "failed"], required=False)


class SearchQuery(Page):
    q = Text(max_length=MOST_CHARACTERS)
    conversation_id = Id(required=False)
