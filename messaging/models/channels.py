"""What the channels need besides a notification: devices that can be pushed to, and texts."""

from string import Formatter
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models

from messaging.models.accounts import Tenant, User
from messaging.models.base import Identified, Owned

VARIABLES = {  # all that a text may name; none of them is content
    "sender": "who wrote, where the tenant's preview policy shows it, else the app",
    "count": "how many notifications the person has not read, at most 99",
    "link": "the address of the app",
    "app": "the name of the app",
}
SUBJECT, BODY = 200, 1000  # characters, rendered too


class DevicePushToken(Owned):
    """A device that a provider can push to: its token, sealed, and a hash to find it by.

    Whoever has token and provider credentials can make the device show anything, so the token is
    sealed; a plain hash finds it, since a token is longer and more random than anybody guesses.
    """

    class Platform(models.TextChoices):
        FCM = "fcm"
        APNS = "apns"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="push_tokens")
    session_id = (
        models.UUIDField()
    )  # that registered it last; ended on purpose, it takes this along
    platform = models.CharField(max_length=8, choices=Platform)
    token_hash = models.BinaryField(max_length=32, unique=True)  # SHA-256 of platform and token
    sealed_token = models.BinaryField()
    key_id = models.CharField(max_length=64)
    label = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField()
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_reason = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        db_table = "device_push_tokens"

    def __str__(self) -> str:
        return f"{self.platform} {self.pk}"


class PushSend(Owned):
    """That a device has had a notification: a later try leaves it out."""

    notification_id = models.UUIDField()
    device_id = models.UUIDField()
    provider_id = models.CharField(max_length=200, blank=True)
    sent_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "push_sends"
        constraints = [
            models.UniqueConstraint(
                fields=["notification_id", "device_id"], name="push_sends_once_key"
            )
        ]


class NotificationTemplate(Identified):
    """What a channel says; the newest version holds. Without a tenant it is the default for all.

    An empty body means: as if there were no text of this tenant's, or of the installation's.
    """

    class Channel(models.TextChoices):
        PUSH = "push"
        EMAIL = "email"
        SMS = "sms"
        IN_APP = "in_app"

    class Type(models.TextChoices):
        MESSAGE = "message"  # somebody has written

    tenant = models.ForeignKey(
        Tenant, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    channel = models.CharField(max_length=16, choices=Channel)
    type = models.CharField(max_length=32, choices=Type, default=Type.MESSAGE)
    version = models.PositiveIntegerField(editable=False)
    subject = models.CharField(max_length=SUBJECT, blank=True)
    body = models.CharField(max_length=BODY, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager["NotificationTemplate"]] = models.Manager()

    class Meta:
        db_table = "notification_templates"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "channel", "type", "version"],
                name="notification_templates_version_key",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.type} {self.version}"

    def clean(self) -> None:
        """Refuse a text that names anything but VARIABLES, or that no header can hold."""
        refuse_unknown("subject", self.subject)
        refuse_unknown("body", self.body)
        if not self.subject.isprintable():
            raise ValidationError({"subject": "One line without control characters."})

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save it, if it may be sent; a version that was saved is never changed."""
        self.full_clean(exclude=["tenant"])
        super().save(*args, **kwargs | {"force_insert": True})


def refuse_unknown(field: str, text: str) -> None:
    """Raise ValidationError unless *text* is plain, or names VARIABLES as `{name}` and no other way."""
    try:
        parts = list(Formatter().parse(text))
    except ValueError:
        raise ValidationError({field: "A brace is written twice: {{ or }}."}) from None
    for _, name, form, conversion in parts:
        if name is not None and (name not in VARIABLES or form or conversion):
            allowed = ", ".join(f"{{{name}}}" for name in VARIABLES)
            raise ValidationError({field: f"A text may name {allowed} and nothing else."})
