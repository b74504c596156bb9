"""The ledger: find a job, see what went wrong, retry, cancel or discard it with a reason."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from queueing import progress
from queueing.admin import failures
from queueing.admin.base import Rows, TabularInline
from queueing.admin.filters import Created, ErrorClass, Fingerprint, Kind, TenantOfJob
from queueing.admin.verbs import VERBS, ActingAdmin
from queueing.ids import last_of, run_of
from queueing.models import Job, JobAttempt

State = Job.State


class AttemptInline(TabularInline):
    """The error chain: each try that ended badly."""

    model = JobAttempt
    extra = 0
    can_delete = False
    ordering = ("-id",)
    verbose_name_plural = "error chain"
    fields = (
        "ended_at", "outcome", "number", "generation", "error_class", "error", "location",
        "worker_id", "task",
    )  # fmt: skip
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="Celery task")
    def task(self, row: JobAttempt) -> str:
        """The drain in which it happened, as Flower shows it."""
        if not row.task_id:
            return "–"
        return format_html(
            '<a href="{}task/{}">{}</a>', settings.FLOWER_URL, row.task_id, row.task_id
        )


@admin.register(Job)
class JobPage(ActingAdmin):
    """Every job, with what it is about by ids only."""

    list_display = (
        "id", "label", "kind", "queue", "tries", "percentage", "tenant_id", "error_class",
        "created_at",
    )  # fmt: skip
    list_filter = ("state", "queue", Kind, TenantOfJob, ErrorClass, Fingerprint, Created)
    search_fields = ("id",)  # get_search_results knows better
    search_help_text = "the id of a job, a run, a message or a conversation; or words of an error"
    ordering = ("-id",)
    actions = ("retry", "cancel", "discard")
    inlines = (AttemptInline,)
    change_form_template = "queueing/admin/job.html"
    change_list_template = "queueing/admin/jobs.html"
    fieldsets = (
        (None, {"fields": ("id", "label", "kind", "queue", "tries", "percentage", "siblings")}),
        ("What it is about", {"fields": ("tenant_id", "owner_id", "subject_id", "args", "result")}),
        ("Last error", {"fields": ("error_class", "error", "error_fingerprint")}),
        (
            "Counters",
            {"fields": ("priority", "weight", "crashes", "deferrals", "generation", "critical")},
        ),
        (
            "Times",
            {"fields": ("created_at", "run_at", "started_at", "finished_at", "expires_at")},
        ),
        ("Held by", {"fields": ("worker_id", "holder_pid", "lease_until", "cancel_requested")}),
    )
    readonly_fields = ("label", "tries", "percentage", "siblings")

    def get_queryset(self, request: HttpRequest) -> Rows:
        """The jobs that this operator may see."""
        return Job.objects.of(request.user)

    def get_search_results(
        self, request: HttpRequest, queryset: Rows, search_term: str
    ) -> tuple[Rows, bool]:
        """By id where *search_term* is one, else among the errors of dead letters."""
        term = search_term.strip().replace("\0", "")
        if not term:
            return queryset, False
        try:
            run = run_of(UUID(term))
        except ValueError:
            words = Q(error__icontains=term) | Q(error_class__icontains=term) | Q(kind=term)
            return queryset.filter(words, state=State.FAILED), False
        about = Q(state=State.FAILED, args__contains={"conversationId": str(UUID(term))})
        found = Q(id__gte=run, id__lte=last_of(run)) | Q(subject_id=UUID(term)) | about
        return queryset.filter(found), False

    @admin.display(description="state", ordering="state")
    def label(self, row: Job) -> str:
        """The state as a coloured word."""
        return format_html('<span class="state state-{}">{}</span>', row.state, row.state)

    @admin.display(description="attempts")
    def tries(self, row: Job) -> str:
        """As in 2/5."""
        return f"{row.attempts + (row.state == State.ACTIVE)}/{row.max_attempts}"

    @admin.display(description="progress")
    def percentage(self, row: Job) -> str:
        """As in 50 %."""
        return f"{progress.of(row)['percentage']} %"

    @admin.display(description="the run")
    def siblings(self, row: Job) -> SafeString:
        """The jobs of the same run, in order."""
        return format_html_join(
            " → ",
            '<a href="{}">{}</a> {}',
            (
                (reverse("admin:queueing_job_change", args=(job.id,)), job.kind, self.label(job))
                for job in Job.objects.of_run(run_of(row.id))
            ),
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """A job, with a button for each verb that fits its state and the operator."""
        job = self.get_object(request, object_id)
        fit = [
            verb
            for verb in VERBS.values()
            if job is not None and job.state in verb.states and self.may(request, verb)
        ]
        context = {**(extra_context or {}), "verbs": fit}
        return super().change_view(request, object_id, form_url, context)

    def failures_view(self, request: HttpRequest) -> HttpResponse:
        """The dead letters by cause."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return failures.page(self, request)

    def get_urls(self) -> list[URLPattern]:
        """Besides the usual ones, the page of failures."""
        view = self.admin_site.admin_view(self.failures_view)
        return [path("failures/", view, name="queueing_job_failures"), *super().get_urls()]
