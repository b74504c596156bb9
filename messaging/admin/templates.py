"""The texts of notifications: what holds, what held before, and how it reads."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from messaging.admin.base import TenantAdmin, everywhere, tenant_of
from messaging.models import NotificationTemplate, Tenant, User
from messaging.models.channels import VARIABLES
from messaging.services import templates

NAMES = ", ".join(f"{{{name}}}: {meaning}" for name, meaning in VARIABLES.items())


class TemplateForm(forms.ModelForm):  # type: ignore[type-arg]
    """A text; saving it makes a new version."""

    class Meta:
        model = NotificationTemplate
        fields = ("tenant", "channel", "type", "subject", "body")
        widgets = {"body": forms.Textarea(attrs={"rows": 4})}
        help_texts = {
            "tenant": "None: for every tenant without a text of its own.",
            "body": f"Empty: as if there were no such text. It may name {NAMES}.",
        }


@admin.register(NotificationTemplate)
class TemplatePage(TenantAdmin):
    """Every version stays; the newest one of a tenant, channel and type holds."""

    form = TemplateForm
    list_display = ("channel", "type", "tenant", "version", "subject", "body")
    list_filter = ("channel", "type")
    list_select_related = ("tenant",)
    ordering = ("channel", "type", "tenant", "-version")
    readonly_fields = ("preview", "version", "created_at")
    fields = ("tenant", "channel", "type", "subject", "body", "preview", "version", "created_at")

    @admin.display(description="Preview")
    def preview(self, row: NotificationTemplate) -> SafeString:
        """How the text reads with made-up names, where it can be sent at all."""
        try:
            row.clean()
        except ValidationError:
            return format_html("{}", "–")
        title, text = templates.preview(row.subject, row.body)
        return format_html("<strong>{}</strong><br>{}", title, text)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """What a text is for is settled with its first version."""
        fixed = ("tenant", "channel", "type") if obj else ()
        return (*self.readonly_fields, *fixed)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The tenants whose texts this operator may write; the default is the operators' own."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "tenant" and field is not None and not everywhere(request):
            field.queryset = Tenant.objects.filter(pk=tenant_of(request))
            field.required = True
        return field

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Write the next version; the one that was looked at stays as it was."""
        assert isinstance(request.user, User)  # the admin lets in nobody else
        saved = templates.save_version(
            actor=request.user,
            tenant_id=obj.tenant_id,
            channel=obj.channel,
            type=obj.type,
            subject=obj.subject,
            body=obj.body,
        )
        obj.pk, obj.version, obj.created_at = saved.pk, saved.version, saved.created_at

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # what was sent names its version
