"""What the pages share: read-only rows, and only those of the operator's tenant."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.contrib.auth import admin as auth
from django.contrib.auth.forms import AdminUserCreationForm
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from messaging.models import SYSTEM, User

if TYPE_CHECKING:  # generic for the checker only
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
    UserAdmin = auth.UserAdmin[User]
    UserForm = AdminUserCreationForm[User]
else:
    ModelAdmin, TabularInline = admin.ModelAdmin, admin.TabularInline
    UserAdmin, UserForm = auth.UserAdmin, AdminUserCreationForm


def everywhere(request: HttpRequest) -> bool:
    """Whether the operator works across tenants."""
    user = request.user
    return isinstance(user, User) and user.tenant.slug == SYSTEM


def tenant_of(request: HttpRequest) -> UUID:
    """The operator's own tenant."""
    user = request.user
    assert isinstance(user, User)  # the admin lets in nobody else
    return user.tenant_id


class TenantAdmin(ModelAdmin):
    """A page of tenant-owned rows: staff of a tenant see that tenant only."""

    tenant_field = "tenant"
    show_full_result_count = False  # a count over millions of rows is no use to anybody
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows that this operator may see."""
        rows: QuerySet[Any] = super().get_queryset(request)
        if everywhere(request):
            return rows
        return rows.filter(**{self.tenant_field: tenant_of(request)})


class ReadOnlyAdmin(TenantAdmin):
    """A page to look at."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyInline(TabularInline):
    """Rows of another table to look at beside theirs."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
