"""Batches: how far each is, who is missing, and what an operator can do about it."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from messaging import batches
from messaging.admin.base import ReadOnlyAdmin
from messaging.errors import Conflict, NotFound
from messaging.models import Batch, BatchRecipient, User
from messaging.services.batch_lists import counts
from queueing.admin.base import Reason

TEXTS = {
    "pause": "Nothing is sent after the chunk that is being sent.",
    "resume": "It goes on where it stood.",
    "cancel": "Nobody else gets it. This cannot be taken back.",
    "retry": "Who has failed, and who was never tried, gets it; nobody gets it twice.",
}


@admin.register(Batch)
class BatchPage(ReadOnlyAdmin):
    """One text to many: progress, counts, and buttons that ask for a reason. Never what it says."""

    change_form_template = "admin/messaging/batch_form.html"
    list_display = (
        "batch_id", "tenant", "sender", "state", "progress", "outcome", "total", "created_at",
        "finished_at",
    )  # fmt: skip
    list_filter = ("state", "created_at")
    list_select_related = ("tenant", "sender")
    search_fields = ("=id", "=batch_id", "sender__username")
    ordering = ("-id",)
    fields = (
        "id", "batch_id", "tenant", "sender", "state", "progress", "outcome", "total", "steps",
        "steps_done", "chunk_size", "chunk_delay", "encrypted", "job", "people", "created_at",
        "finished_at",
    )  # fmt: skip
    readonly_fields = ("progress", "outcome", "job", "people")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("recipient_ids")

    @admin.display(description="Progress")
    def progress(self, row: Batch) -> SafeString:
        """A bar, by chunks of this round."""
        done = 100 * row.steps_done // max(row.steps, 1)
        bar = '<progress max="100" value="{}"></progress> {} % ({}/{} chunks)'
        return format_html(bar, done, done, row.steps_done, row.steps)

    @admin.display(description="Sent / failed")
    def outcome(self, row: Batch) -> str:
        """Counts, from the recipients' rows."""
        return "{} / {}".format(*counts([row])[row.pk])

    @admin.display(description="Job")
    def job(self, row: Batch) -> SafeString:
        """A link to the job that sends it."""
        url = reverse("admin:queueing_job_change", args=[row.job_id])
        return format_html('<a href="{}">{}</a>', url, row.job_id)

    @admin.display(description="Recipients")
    def people(self, row: Batch) -> SafeString:
        """Links to those who were tried, and to those who have failed."""
        url = reverse("admin:messaging_batchrecipient_changelist")
        links = '<a href="{0}?batch__id__exact={1}">all who were tried</a> · <a href="{0}?batch__id__exact={1}&status__exact=failed">failed</a>'  # noqa: E501
        return format_html(links, url, row.pk)

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.steer)
        own = path("<uuid:pk>/steer/<str:verb>/", view, name="messaging_batch_steer")
        return [own, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        may = request.user.has_perm("messaging.steer_batch")
        verbs = [verb for verb, (states, _) in batches.VERBS.items() if row and row.state in states]
        extra = (extra_context or {}) | {"verbs": verbs if may else []}
        return super().change_view(request, object_id, form_url, extra)

    def steer(self, request: HttpRequest, pk: Any, verb: str) -> HttpResponse:
        """The page that asks for a reason, and what comes of it."""
        if not request.user.has_perm("messaging.steer_batch"):
            raise PermissionDenied
        rows = self.get_queryset(request).filter(pk=pk)
        if verb not in TEXTS or not rows.exists():
            raise Http404
        form = Reason(request.POST or None)
        if form.is_valid():
            assert isinstance(request.user, User)
            try:
                batches.steer(rows, verb, request.user, form.cleaned_data["reason"])
                messages.success(request, f"Done: {verb}.")
            except (Conflict, NotFound) as error:
                messages.error(request, str(error))
            return HttpResponseRedirect(reverse("admin:messaging_batch_change", args=[pk]))
        context = self.admin_site.each_context(request) | {
            "title": f"{verb.capitalize()} this batch?",
            "text": TEXTS[verb],
            "opts": self.opts,
            "form": form,
        }
        return TemplateResponse(request, "queueing/admin/confirm.html", context)


@admin.register(BatchRecipient)
class BatchRecipientPage(ReadOnlyAdmin):
    """What came of each person of a batch."""

    list_display = ("position", "recipient_id", "status", "failure_code", "attempts", "message_id")
    list_filter = ("status", "failure_code")
    search_fields = ("=recipient_id", "=message_id", "=batch__batch_id")
    ordering = ("batch", "position")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup == "batch__id__exact" or super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False  # reached from its batch
