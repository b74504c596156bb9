"""What was wrong with the queues, and who was told."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from queueing.admin.base import ReadOnlyAdmin
from queueing.models import AlertIncident, sees_all


@admin.register(AlertIncident)
class AlertPage(ReadOnlyAdmin):
    """Incidents. They are about the queues of all tenants, so operators alone may see them."""

    list_display = ("rule", "queue", "opened_at", "resolved_at", "facts", "told")
    list_filter = ("rule", "queue", ("resolved_at", admin.EmptyFieldListFilter))
    ordering = ("-opened_at",)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and sees_all(request.user)
