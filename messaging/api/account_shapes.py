"""What answers about tokens and sessions look like: for the schema only."""

from rest_framework import serializers

from messaging.api.serializers import Shape
from messaging.api.shapes import paged
from messaging.models import DevicePushToken


class TokenPair(Shape):
    access_token = serializers.CharField()
    refresh_token = serializers.CharField()
    token_type = serializers.ChoiceField(choices=["Bearer"])
    expires_in = serializers.IntegerField(help_text="Seconds that the access token is valid.")
    refresh_expires_in = serializers.IntegerField()
    session_id = serializers.UUIDField()


class SocketTicket(Shape):
    ticket = serializers.CharField()
    expires_in = serializers.IntegerField()


class TenantName(Shape):
    id = serializers.UUIDField()
    name = serializers.CharField()


class Me(Shape):
    id = serializers.UUIDField()
    username = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=["person", "service"])
    is_staff = serializers.BooleanField()
    phone = serializers.CharField(allow_blank=True)
    time_zone = serializers.CharField()
    locale = serializers.CharField()
    tenant = TenantName()
    session_id = serializers.UUIDField()


class Session(Shape):
    id = serializers.UUIDField()
    user_agent = serializers.CharField()
    current = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


SessionPage = paged(Session)


class Device(Shape):
    id = serializers.UUIDField()
    platform = serializers.ChoiceField(choices=DevicePushToken.Platform.values)
    label = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    created_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()
    disabled_at = serializers.DateTimeField(allow_null=True)
    disabled_reason = serializers.CharField(
        allow_null=True, help_text="Why it is not pushed to any more: the provider's code."
    )


DevicePage = paged(Device)
