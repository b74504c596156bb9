"""Messages without their bodies, how they were delivered and who was told."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from messaging.admin.base import ReadOnlyAdmin, ReadOnlyInline
from messaging.models import Message, MessageDelivery, Notification


class DeliveryInline(ReadOnlyInline):
    """One line for each recipient."""

    model = MessageDelivery
    fields = ("recipient", "status", "sent_at", "delivered_at", "read_at", "failure_code")
    readonly_fields = fields


@admin.register(Message)
class MessagePage(ReadOnlyAdmin):
    """What went where and when; never what it said."""

    list_display = (
        "id", "tenant", "conversation_id", "sender", "seq", "status", "priority", "is_encrypted",
        "created_at",
    )  # fmt: skip
    list_filter = ("status", "is_encrypted", "priority", "created_at")
    list_select_related = ("tenant", "sender")
    search_fields = ("=id", "=conversation__id", "sender__username")
    inlines = (DeliveryInline,)
    ordering = ("-id",)
    fields = (
        "id", "tenant", "conversation", "sender", "seq", "kind", "protection", "status",
        "priority", "is_encrypted", "encryption_version", "key_id", "created_at", "scheduled_at",
        "edited_at", "deleted_at", "jobs",
    )  # fmt: skip
    readonly_fields = ("jobs",)

    @admin.display(description="Jobs")
    def jobs(self, row: Message) -> SafeString:
        """A link to the jobs of this message."""
        url = reverse("admin:queueing_job_changelist")
        return format_html('<a href="{}?q={}">The jobs of this message</a>', url, row.pk)


@admin.register(MessageDelivery)
class DeliveryPage(ReadOnlyAdmin):
    """How far each message came with each recipient."""

    list_display = ("message_id", "recipient", "status", "sent_at", "delivered_at", "read_at")
    list_filter = ("status", "failure_code")
    list_select_related = ("recipient",)
    search_fields = ("=message__id", "recipient__username")
    ordering = ("-id",)


@admin.register(Notification)
class NotificationPage(ReadOnlyAdmin):
    """Who was told by which channel, and what came of it."""

    list_display = ("message_id", "recipient", "channel", "round", "status", "reason", "sent_at")
    list_filter = ("channel", "status")
    list_select_related = ("recipient",)
    search_fields = ("=message_id", "=id", "recipient__username")
    ordering = ("-id",)
