"""The keys as operators see them: what for, since when, in which state; never the material.

Staff see the keys of their own tenant, superusers those of all.
"""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from crypto_core.models import ConversationKey, Device, TenantKey, WrappedKey


class KeyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic for mypy only
    """A list that nothing can be changed in."""

    exclude = ["wrapped"]
    list_filter = ["state", "purpose"]
    ordering = ["-created_at"]
    search_help_text = "A key's id, or a tenant's"
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[WrappedKey | Device]:
        keys = super().get_queryset(request).defer(*self.exclude or ())
        tenant = getattr(request.user, "tenant_id", None)
        return (
            keys if getattr(request.user, "is_superuser", False) else keys.filter(tenant_id=tenant)
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(TenantKey)
class TenantKeyAdmin(KeyAdmin):
    list_display = ["id", "tenant_id", "purpose", "state", "parent_id", "created_at", "retired_at"]
    search_fields = ["id__exact", "tenant_id__exact"]


@admin.register(ConversationKey)
class ConversationKeyAdmin(KeyAdmin):
    list_display = ["id", "conversation_id", "purpose", "state", "created_at", "retired_at"]
    search_fields = ["id__exact", "conversation_id__exact", "tenant_id__exact"]
    search_help_text = "A key's id, a conversation's or a tenant's"


@admin.register(Device)
class DeviceAdmin(KeyAdmin):
    """The devices to which session keys may be released, by their public keys."""

    exclude = ["challenge"]
    list_display = ["id", "owner_id", "label", "state", "thumbprint", "created_at", "revoked_at"]
    list_filter = ["state"]
    search_fields = ["id__exact", "owner_id__exact", "thumbprint__exact"]
    search_help_text = "A device's id, its owner's, or the thumbprint of its key"
