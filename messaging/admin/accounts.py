"""Tenants, users and their sessions."""

from typing import Any

from django.contrib import admin
from django.db.models import ForeignKey, Model
from django.http import HttpRequest

from messaging.admin.base import (
    ReadOnlyAdmin,
    TenantAdmin,
    UserAdmin,
    UserForm,
    everywhere,
    tenant_of,
)
from messaging.models import DevicePushToken, Session, Tenant, User

POWERS = ("is_superuser", "groups", "user_permissions")  # given by operators across tenants only


@admin.register(Tenant)
class TenantPage(TenantAdmin):
    """Customers and their policies."""

    tenant_field = "pk"
    list_display = ("name", "slug", "status", "encryption", "search", "preview", "retention_days")
    list_filter = ("status", "encryption")
    search_fields = ("name", "slug")
    readonly_fields = ("id", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return everywhere(request) and super().has_add_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # rows of every table name it


class NewUserForm(UserForm):
    """A user needs a tenant from the beginning."""

    class Meta:
        model = User
        fields = ("username", "tenant")


@admin.register(User)
class UserPage(TenantAdmin, UserAdmin):
    """People and services."""

    add_form = NewUserForm
    list_display = ("username", "display_name", "tenant", "kind", "is_active", "is_staff")
    list_filter = ("is_active", "is_staff", "kind")
    search_fields = ("=id", "username", "display_name")
    ordering = ("username",)
    readonly_fields = ("id", "created_at", "last_login", "token_version")
    filter_horizontal = ("groups", "user_permissions")
    fieldsets = (
        (None, {"fields": ("id", "tenant", "username", "password", "kind", "is_active")}),
        ("Person", {"fields": ("display_name", "email", "phone", "time_zone", "locale")}),
        ("Log-in", {"fields": ("issuer", "subject", "token_version", "last_login", "created_at")}),
        ("Rights", {"fields": ("is_staff", *POWERS)}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "tenant", "usable_password", "password1", "password2")}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # messages name their sender; make them inactive instead

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Nobody moves a user to another tenant; rights are given by operators across tenants."""
        fields = tuple(super().get_readonly_fields(request, obj))
        fields += ("tenant",) if obj else ()
        return fields if everywhere(request) else (*fields, "is_staff", *POWERS)

    def formfield_for_foreignkey(
        self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> Any:
        """The tenants that this operator may put somebody into."""
        if db_field.name == "tenant" and not everywhere(request):
            kwargs["queryset"] = Tenant.objects.filter(pk=tenant_of(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(Session)
class SessionPage(ReadOnlyAdmin):
    """Who is logged in from where."""

    list_display = ("id", "user", "user_agent", "created_at", "last_used_at", "revoked_at")
    search_fields = ("=id", "user__username")
    list_select_related = ("user",)
    exclude = ("refresh_hash",)


@admin.register(DevicePushToken)
class DevicePage(ReadOnlyAdmin):
    """Which devices are pushed to; their tokens are not shown."""

    list_display = (
        "id", "user", "platform", "label", "last_seen_at", "disabled_at", "disabled_reason",
    )  # fmt: skip
    list_filter = ("platform", "disabled_reason")
    list_select_related = ("user",)
    search_fields = ("=id", "user__username")
    exclude = ("token_hash", "sealed_token", "key_id", "session_id")
    ordering = ("-id",)
