"""What the pages share: rows to look at, and a page that asks for a reason before anything is done."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import cached_property

from queueing.postgres import fetch

if TYPE_CHECKING:  # generic for the checker only
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
    Pages = Paginator[Any]
else:
    ModelAdmin, TabularInline, Pages = admin.ModelAdmin, admin.TabularInline, Paginator

LONGEST_REASON = 500
ESTIMATE = "SELECT reltuples::bigint FROM pg_class WHERE oid = %(table)s::regclass"
FEW = 10_000  # below it, counting is quick and the estimate is poor


class Reason(forms.Form):
    """Why: what the audit trail will say."""

    reason = forms.CharField(
        max_length=LONGEST_REASON, widget=forms.Textarea({"rows": 2, "autofocus": True})
    )


class RoughPaginator(Pages):
    """Pages of a table that is too long to be counted each time somebody looks at it."""

    @cached_property
    def count(self) -> int:
        """The number of rows; of a whole long table as PostgreSQL estimates it."""
        rows: Any = self.object_list
        if not rows.query.where:
            [(estimate,)] = fetch(ESTIMATE, {"table": rows.model._meta.db_table})
            if estimate > FEW:
                return int(estimate)
        return int(rows.count())


class ReadOnlyAdmin(ModelAdmin):
    """Rows to look at, and to act upon by what the page offers."""

    show_full_result_count = False
    paginator = RoughPaginator
    list_per_page = 50

    class Media:
        css = {"all": ("queueing/admin.css",)}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """A row without any button that would save it."""
        buttons = {"show_save": False, "show_save_and_continue": False}
        context = {**buttons, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    def ask(self, request: HttpRequest, form: forms.Form, **context: Any) -> TemplateResponse:
        """The page that asks for a reason; it posts back to where it came from."""
        context |= {**self.admin_site.each_context(request), "form": form, "opts": self.opts}
        return TemplateResponse(request, "queueing/admin/confirm.html", context)


Rows = QuerySet[Any]
