"""Notifications: a row per message, recipient, channel and round, planned before any is sent."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from messaging.models.accounts import User
from messaging.models.base import Owned


class NotificationQuerySet(models.QuerySet["Notification"]):
    def of(self, user: User) -> "NotificationQuerySet":
        """The inbox of *user*."""
        return self.filter(
            tenant_id=user.tenant_id, recipient_id=user.pk, channel="in_app", archived_at=None
        )


class Notification(Owned):
    """That somebody is told of a message, and what came of it. It holds no content (M40)."""

    class Status(models.TextChoices):
        PLANNED = "planned"  # to be sent by its job
        SENT = "sent"  # the provider has it; in-app: it is in the inbox
        FAILED = "failed"  # its job is a dead letter
        UNKNOWN = "unknown"  # the provider may have it; never sent again blindly
        SKIPPED = "skipped"  # not sent, for *reason*

    message_id = models.UUIDField()
    conversation_id = models.UUIDField()
    recipient = models.ForeignKey(
        User, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    channel = models.CharField(max_length=16)
    round = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(max_length=16, choices=Status, default=Status.PLANNED)
    reason = models.CharField(max_length=64, blank=True, default="")
    priority = models.SmallIntegerField(default=2)
    provider = models.CharField(max_length=32, blank=True, default="")
    provider_id = models.CharField(max_length=200, blank=True, default="")
    idempotency_key = models.CharField(max_length=160)
    opaque_id = models.UUIDField()  # all that leaves the house
    collapse_key = models.CharField(max_length=64, blank=True, default="")
    digest_key = models.CharField(max_length=64, blank=True, default="")
    send_after = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    archived_at = models.DateTimeField(null=True)
    clicked_at = models.DateTimeField(null=True)
    snoozed_until = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager["Notification"]] = NotificationQuerySet.as_manager()

    class Meta:
        db_table = "notifications"
        indexes = [
            models.Index(
                fields=["recipient", "-id"],
                condition=Q(channel="in_app"),
                name="notifications_inbox_idx",
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["message_id", "recipient", "channel", "round"],
                name="notifications_once_key",
            )
        ]
