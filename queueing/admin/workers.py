"""Which workers live and what they serve; what ran by the clock."""

from datetime import timedelta

from django.contrib import admin
from django.utils import timezone

from queueing.admin.base import ReadOnlyAdmin
from queueing.lanes import ALIVE
from queueing.models import ScheduledRun, Worker


@admin.register(Worker)
class WorkerPage(ReadOnlyAdmin):
    """Worker processes by their heartbeats."""

    list_display = ("name", "alive", "queues", "processes", "hostname", "pid", "seen_at")
    list_filter = ("hostname",)
    ordering = ("-seen_at",)

    @admin.display(boolean=True)
    def alive(self, row: Worker) -> bool:
        """Whether it was heard of lately."""
        return row.seen_at > timezone.now() - timedelta(seconds=ALIVE)


@admin.register(ScheduledRun)
class ScheduledRunPage(ReadOnlyAdmin):
    """Periodic jobs and the windows they ran for."""

    list_display = ("name", "window", "started_at", "finished_at", "result")
    list_filter = ("name",)
    ordering = ("-window",)
