"""The log of cleanup runs, and a form that begins one."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from messaging.admin.base import ReadOnlyAdmin, everywhere
from messaging.errors import Invalid
from messaging.models import CleanupRun, User
from messaging.retention import cleanup
from messaging.retention.registry import registered


class RunForm(forms.Form):
    """What an operator says of a run."""

    strategy = forms.ChoiceField(
        choices=lambda: [(name, rule.title) for name, rule in sorted(registered().items())]
    )
    retention_days = forms.IntegerField(
        min_value=1,
        max_value=cleanup.MOST_DAYS,
        required=False,
        help_text="Empty: the strategy's own. A tenant's or a conversation's come first.",
    )
    batch_size = forms.IntegerField(
        min_value=1, max_value=cleanup.MOST_ROWS, initial=cleanup.MOST_ROWS
    )
    reason = forms.CharField(max_length=500, widget=forms.TextInput(attrs={"size": 60}))


@admin.register(CleanupRun)
class CleanupPage(ReadOnlyAdmin):
    """What was cleaned up when; «run now» and «dry run» ask for a reason."""

    change_list_template = "admin/messaging/cleanup_list.html"
    list_display = (
        "started_at", "strategy", "dry", "outcome", "examined", "cleaned", "retention_days",
        "finished_at", "reason",
    )  # fmt: skip
    list_filter = ("strategy", "dry", "outcome")
    exclude = ("cursor",)
    ordering = ("-id",)

    def get_urls(self) -> list[Any]:
        own = path(
            "run/", self.admin_site.admin_view(self.run_now), name="messaging_cleanuprun_run"
        )
        return [own, *super().get_urls()]

    def may_run(self, request: HttpRequest) -> bool:
        """Whether this operator may begin a run: it goes over all tenants."""
        return everywhere(request) and request.user.has_perm("messaging.run_cleanup")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        extra = (extra_context or {}) | {"may_run": self.may_run(request)}
        return super().changelist_view(request, extra)

    def run_now(self, request: HttpRequest) -> HttpResponse:
        """The form, and what comes of it."""
        if not self.may_run(request):
            raise PermissionDenied
        form = RunForm(request.POST or None, initial={"strategy": request.GET.get("strategy")})
        if form.is_valid() and self.begin(request, form, dry="dry" in request.POST):
            return HttpResponseRedirect(reverse("admin:messaging_cleanuprun_changelist"))
        context = self.admin_site.each_context(request) | {
            "title": "Begin a cleanup",
            "opts": self.model._meta,
            "form": form,
        }
        return TemplateResponse(request, "admin/messaging/cleanup_run.html", context)

    def begin(self, request: HttpRequest, form: RunForm, *, dry: bool) -> bool:
        """Start the run that *form* describes; False where it is refused."""
        assert isinstance(request.user, User)
        try:
            run = cleanup.start(dry=dry, actor=request.user, **form.cleaned_data)
        except Invalid as error:
            form.add_error(None, str(error))
            return False
        word = "Dry run" if dry else "Run"
        messages.success(request, f"{word} of {run.strategy} has begun; reload to see it end.")
        return True
