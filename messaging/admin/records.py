"""The audit trail, to look at."""

from django.contrib import admin

from messaging.admin.base import ReadOnlyAdmin
from messaging.models import AuditEvent


@admin.register(AuditEvent)
class AuditPage(ReadOnlyAdmin):
    """Who did what to what."""

    list_display = ("at", "tenant", "actor_id", "action", "target_type", "target_id")
    list_filter = ("action", "at")
    list_select_related = ("tenant",)
    search_fields = ("=target_id", "=actor_id")
    exclude = ("mac", "link")
    ordering = ("-id",)
