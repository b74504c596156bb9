"""What operators do to jobs: retry, cancel, discard; each after a page that asks for the reason."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from queueing import control
from queueing.admin.base import ReadOnlyAdmin, Reason, Rows
from queueing.models import Job

MOST_AT_ONCE = 1000  # of one action: it holds their rows until all are done


@dataclass(frozen=True, slots=True)
class Verb:
    """Something that an operator does to jobs."""

    name: str
    done: str
    many: Callable[..., int]
    states: tuple[str, ...]
    text: str

    @property
    def permission(self) -> str:
        return f"queueing.{self.name}_job"


State = Job.State
VERBS = {
    verb.name: verb
    for verb in (
        Verb(
            "retry", "retried", control.retry_many, (State.FAILED,),
            "The jobs keep their ids, get their queue's attempts again and resume at that step.",
        ),
        Verb(
            "cancel", "cancelled", control.cancel_many,
            (State.BLOCKED, State.WAITING, State.ACTIVE),
            "The jobs, and the steps that wait for them, will not run. An active one ends at its"
            " next boundary.",
        ),
        Verb(
            "discard", "discarded", control.discard_many, (State.FAILED,),
            "The dead letters are given up, and the steps that wait for them will not run.",
        ),
    )
}  # fmt: skip


class ActingAdmin(ReadOnlyAdmin):
    """The verbs, for selected jobs and for one."""

    actions = ("retry", "cancel", "discard")

    def may(self, request: HttpRequest, verb: Verb) -> bool:
        """Whether the operator may do it."""
        allowed: bool = request.user.has_perm(verb.permission)
        return allowed

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Whether the action is offered."""
        return self.may(request, VERBS["retry"])

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """Whether the action is offered."""
        return self.may(request, VERBS["cancel"])

    def has_discard_permission(self, request: HttpRequest) -> bool:
        """Whether the action is offered."""
        return self.may(request, VERBS["discard"])

    @admin.action(description="Retry…", permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: Rows) -> HttpResponse | None:
        """Retry the selected jobs."""
        return self.act_on_selected(request, queryset, VERBS["retry"])

    @admin.action(description="Cancel…", permissions=["cancel"])
    def cancel(self, request: HttpRequest, queryset: Rows) -> HttpResponse | None:
        """Cancel the selected jobs."""
        return self.act_on_selected(request, queryset, VERBS["cancel"])

    @admin.action(description="Discard…", permissions=["discard"])
    def discard(self, request: HttpRequest, queryset: Rows) -> HttpResponse | None:
        """Discard the selected jobs."""
        return self.act_on_selected(request, queryset, VERBS["discard"])

    def act_on_selected(
        self, request: HttpRequest, queryset: Rows, verb: Verb
    ) -> HttpResponse | None:
        """Ask for the reason, then do *verb*: the page posts back to this action."""
        count = queryset.count()
        if count > MOST_AT_ONCE:
            text = f"{count} jobs are too many at once: filter them down to {MOST_AT_ONCE}."
            messages.error(request, text)
            return None
        form = Reason(request.POST if "reason" in request.POST else None)
        if form.is_valid():
            self.act(request, queryset, verb, form.cleaned_data["reason"])
            return None
        names = ("action", "select_across", "index", "_selected_action")
        kept = [(name, value) for name in names for value in request.POST.getlist(name)]
        return self.ask_about(request, form, verb, queryset, kept)

    def act_on_one(self, request: HttpRequest, job_id: UUID, verb: str) -> HttpResponse:
        """The page of one verb for one job."""
        if not self.may(request, VERBS[verb]):
            raise PermissionDenied
        job = self.get_queryset(request).filter(id=job_id)
        if not job:
            raise Http404
        form = Reason(request.POST or None)
        if not form.is_valid():
            return self.ask_about(request, form, VERBS[verb], job, [])
        self.act(request, job, VERBS[verb], form.cleaned_data["reason"])
        return HttpResponseRedirect(reverse("admin:queueing_job_change", args=(job_id,)))

    def act(self, request: HttpRequest, queryset: Rows, verb: Verb, reason: str) -> None:
        """Do *verb* and say what came of it."""
        count = queryset.count()
        jobs = Job.objects.filter(id__in=queryset.order_by().values("id"))
        done = verb.many(jobs, actor_id=request.user.pk, reason=reason)
        level = messages.SUCCESS if done else messages.WARNING
        text = f"{done} {verb.done}, {count - done} skipped."
        messages.add_message(request, level, text)

    def ask_about(
        self,
        request: HttpRequest,
        form: Reason,
        verb: Verb,
        jobs: Rows,
        kept: list[tuple[str, Any]],
    ) -> HttpResponse:
        """The page that asks why, and says how many jobs are in a state for it."""
        fits = jobs.filter(state__in=verb.states).count()
        title = f"{verb.name.capitalize()} {fits} job{'s' * (fits != 1)}?"
        skipped = jobs.count() - fits
        return self.ask(request, form, title=title, text=verb.text, skipped=skipped, kept=kept)

    def get_urls(self) -> list[URLPattern]:
        """Besides the usual ones, a page for each verb of one job."""
        view = self.admin_site.admin_view(self.act_on_one)
        pages = [
            path(f"<uuid:job_id>/{name}/", view, {"verb": name}, f"queueing_job_{name}")
            for name in VERBS
        ]
        return pages + super().get_urls()
