"""Cleanup runs: what was removed when, by which rule, and what a dry run would have removed."""

from django.db import models

from messaging.models.base import Owned


class CleanupRun(Owned):
    """One run of a cleanup strategy, over all tenants; its tenant is the operators' own."""

    class Outcome(models.TextChoices):
        RUNNING = "running"  # its job works on it, chunk by chunk
        FINISHED = "finished"  # everything was looked at
        PARTIAL = "partial"  # its time was up; the next run goes on
        FAILED = "failed"  # its job is a dead letter; a retry goes on where it stood

    strategy = models.CharField(max_length=32)
    dry = models.BooleanField("dry run", default=False)
    retention_days = models.PositiveSmallIntegerField()
    batch_size = models.PositiveSmallIntegerField()
    outcome = models.CharField(max_length=16, choices=Outcome, default=Outcome.RUNNING)
    examined = models.PositiveBigIntegerField(default=0)  # messages
    cleaned = models.PositiveBigIntegerField(default=0)  # or, of a dry run, that would be
    chunks = models.PositiveIntegerField(default=0)
    cursor = models.UUIDField(null=True)  # the last message that was looked at
    job_id = models.UUIDField(null=True)
    actor_id = models.UUIDField(null=True)  # null: the clock
    reason = models.CharField(max_length=500, blank=True, default="")
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "cleanup_runs"
        default_permissions = ("view",)
        permissions = [("run_cleanup", "Can start a cleanup")]
        indexes = [models.Index(fields=["strategy", "-id"], name="cleanup_runs_strategy_idx")]

    def __str__(self) -> str:
        return f"{self.strategy} {self.started_at:%Y-%m-%d %H:%M}"
