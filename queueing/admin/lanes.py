"""The six lanes with what is in them; pausing and resuming a queue, with a reason."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from queueing import control, health, metrics
from queueing.admin.base import ReadOnlyAdmin, Reason, Rows
from queueing.models import LaneControl, sees_all
from queueing.queues import QUEUES, Queue, find

PERMISSION = "queueing.pause_queue"
VERBS = {
    "pause": "Nothing new begins in this queue. What waits is kept, and runs after.",
    "resume": "What waits in this queue runs again.",
}


class Pause(Reason):
    """Why, and for how long."""

    minutes = forms.IntegerField(
        min_value=1, max_value=60 * 24 * 30, required=False, help_text="Empty: until resumed."
    )


@dataclass(frozen=True, slots=True)
class Lane:
    """One row of the page."""

    queue: Queue
    stats: metrics.QueueStats
    health: health.QueueHealth
    paused: bool


@admin.register(LaneControl)
class LanePage(ReadOnlyAdmin):
    """The queues as they stand. They belong to all tenants, so operators alone may see this."""

    list_display = ("queue", "tenant_id", "provider", "paused_until", "reason", "created_at")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and sees_all(request.user)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The six lanes, and what else is paused."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        stats, state = metrics.snapshot(), health.everything()
        paused = control.paused_queues()
        lanes = [
            Lane(
                queue,
                stats["queues"][queue.key],
                state["queues"][queue.key],
                queue.name in paused,
            )
            for queue in QUEUES
        ]
        context = {
            **self.admin_site.each_context(request),
            "title": "Lanes",
            "opts": self.opts,
            "lanes": lanes,
            "totals": stats["totals"],
            "pauses": self.get_queryset(request).order_by("created_at"),
            "may_pause": request.user.has_perm(PERMISSION),
        }
        return TemplateResponse(request, "queueing/admin/lanes.html", context)

    def act(self, request: HttpRequest, lane: str, verb: str) -> HttpResponse:
        """The page that pauses or resumes one queue."""
        allowed = request.user.has_perm(PERMISSION)
        if not (allowed and self.has_view_permission(request)):
            raise PermissionDenied
        queue = find(lane)
        if queue is None:
            raise Http404
        kind = Pause if verb == "pause" else Reason
        form = kind(request.POST or None)
        if not form.is_valid():
            title = f"{verb.capitalize()} {queue.name}?"
            return self.ask(request, form, title=title, text=VERBS[verb])
        self.do(request, queue, verb, form.cleaned_data)
        return HttpResponseRedirect(reverse("admin:queueing_lanecontrol_changelist"))

    def do(self, request: HttpRequest, queue: Queue, verb: str, said: dict[str, Any]) -> None:
        """Pause or resume *queue*, and say so."""
        why = {"actor_id": request.user.pk, "reason": said["reason"]}
        if verb == "resume":
            was = control.resume(queue, **why)
            messages.success(request, f"{queue.name} {'runs again' if was else 'was not paused'}.")
            return
        minutes = said["minutes"]
        until = timezone.now() + timedelta(minutes=minutes) if minutes else None
        control.pause(queue, until=until, **why)
        messages.success(request, f"{queue.name} is paused.")

    def get_urls(self) -> list[URLPattern]:
        """Besides the usual ones, a page to pause and one to resume each queue."""
        view = self.admin_site.admin_view(self.act)
        pages = [
            path(f"<str:lane>/{verb}/", view, {"verb": verb}, f"queueing_lane_{verb}")
            for verb in VERBS
        ]
        return pages + super().get_urls()

    def get_queryset(self, request: HttpRequest) -> Rows:
        """The pauses that hold now."""
        return control.pauses()
