"""The ledger: what is to be done, and what became of it."""

from datetime import timedelta
from typing import Any, Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from queueing.ids import last_of
from queueing.queues import BY_NAME, QUEUES


class JobQuerySet(models.QuerySet["Job"]):
    """Queries over the ledger that read as prose."""

    def of_run(self, run_id: UUID) -> Self:
        """The jobs of one run, in order: a range of the primary key."""
        return self.filter(id__gt=run_id, id__lte=last_of(run_id)).order_by("id")

    def of(self, user: Any) -> Self:
        """What *user* may see: their own jobs; for staff their tenant's, for operators all."""
        if not user.is_staff:
            return self.filter(owner_id=user.pk, tenant_id=user.tenant_id)
        return self if sees_all(user) else self.filter(tenant_id=user.tenant_id)

    def unfinished(self) -> Self:
        """Jobs that something will still happen to by itself."""
        return self.filter(state__in=(Job.State.BLOCKED, Job.State.WAITING, Job.State.ACTIVE))

    def dead(self) -> Self:
        """The dead letters."""
        return self.filter(state=Job.State.FAILED)

    def due(self) -> Self:
        """Jobs that a worker would take now."""
        return self.filter(state=Job.State.WAITING, run_at__lte=Now())


def sees_all(user: Any) -> bool:
    """Whether *user* is staff of the operators' tenant and so sees every tenant."""
    slug: str = getattr(user.tenant, "slug", "")
    return bool(user.is_staff) and slug == settings.QUEUEING_OPERATORS


class Job(models.Model):
    """One row of the ledger."""

    class State(models.TextChoices):
        BLOCKED = "blocked"  # waits for the step before it
        WAITING = "waiting"  # is claimed once run_at has passed
        ACTIVE = "active"  # claimed: token, lease_until and the holder say by whom
        COMPLETED = "completed"  # done: its effects were committed together with this word
        FAILED = "failed"  # a dead letter: stays for an operator until expires_at
        CANCELLED = "cancelled"  # given up on request

    class Priority(models.IntegerChoices):
        CRITICAL = 0
        HIGH = 1
        NORMAL = 2
        LOW = 3

    id = models.UUIDField(primary_key=True, editable=False)
    tenant_id = models.UUIDField()
    run_id = models.UUIDField()  # the same as id but for the last digit
    kind = models.CharField(max_length=64)
    queue = models.CharField(max_length=32, choices=[(q.name, q.name) for q in QUEUES])
    position = models.SmallIntegerField(db_default=0)  # its place in the run's order
    critical = models.BooleanField(db_default=True)
    state = models.CharField(max_length=16, choices=State, db_default=State.WAITING)
    priority = models.SmallIntegerField(choices=Priority, db_default=Priority.NORMAL)
    run_at = models.DateTimeField(db_default=Now())
    weight = models.IntegerField(db_default=1)  # how much of a slice it fills
    args = models.JSONField()  # ids, never content
    subject_id = models.UUIDField(null=True)  # what it is about, where that is not the run itself
    owner_id = models.UUIDField(null=True)  # the person who may see it

    attempts = models.SmallIntegerField(db_default=0)  # tries that came to an end, good or bad
    attempts_base = models.SmallIntegerField(db_default=0)  # of these, before the last manual retry
    crashes = models.SmallIntegerField(db_default=0)  # times that the holder died
    deferrals = models.IntegerField(db_default=0)  # times that it was put back without fault
    generation = models.SmallIntegerField(db_default=0)  # manual retries

    token = models.UUIDField(null=True)  # the claim's fence
    holder_pid = models.IntegerField(null=True)  # the back end in PostgreSQL that claimed it …
    holder_start = models.DateTimeField(null=True)  # … and its start: a pid alone is used again
    worker_id = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    cancel_requested = models.BooleanField(db_default=False)

    progress = models.JSONField(null=True)
    error_class = models.CharField(max_length=100, db_default="")  # a code, or a class name
    error_fingerprint = models.CharField(max_length=16, db_default="")
    error = models.TextField(db_default="")
    result = models.JSONField(null=True)
    traceparent = models.CharField(max_length=55, db_default="")
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)  # of the latest try
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        db_table = "jobs"
        default_permissions = ("view",)
        permissions = [
            ("retry_job", "Can retry a dead letter"),
            ("cancel_job", "Can cancel a job"),
            ("discard_job", "Can discard a dead letter"),
        ]
        indexes = [
            models.Index(
                fields=["queue", "priority", "run_at", "id"],
                condition=Q(state="waiting", crashes=0),
                name="jobs_ready",
            ),
            # Without it, looking for crashed rows reads past everything that is scheduled.
            models.Index(
                fields=["queue", "run_at", "id"],
                condition=Q(state="waiting", crashes__gt=0),
                name="jobs_crashed",
            ),
            models.Index(fields=["lease_until"], condition=Q(state="active"), name="jobs_active"),
            models.Index(
                fields=["queue", "finished_at"], condition=Q(state="failed"), name="jobs_failed"
            ),
            models.Index(
                fields=["subject_id"], condition=Q(subject_id__isnull=False), name="jobs_subject"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def max_attempts(self) -> int:
        """The tries after which it is a dead letter."""
        return self.attempts_base + BY_NAME[self.queue].attempts

    @property
    def duration(self) -> timedelta | None:
        """How long the latest try took."""
        if self.started_at is None or self.finished_at is None:
            return None
        return self.finished_at - self.started_at


class JobAttempt(models.Model):
    """One try that ended badly."""

    class Outcome(models.TextChoices):
        ERROR = "error"  # the function raised
        TIMEOUT = "timeout"  # the queue's time was up
        CRASH = "crash"  # the worker died

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="bad_attempts")
    generation = models.SmallIntegerField()
    number = models.SmallIntegerField()  # of the attempt, or of the crash
    outcome = models.CharField(max_length=16, choices=Outcome)
    error_class = models.CharField(max_length=100)
    error_fingerprint = models.CharField(max_length=16, db_default="")
    error = models.TextField(db_default="")
    location = models.CharField(max_length=200, db_default="")  # file, line and function
    worker_id = models.UUIDField(null=True)
    task_id = models.CharField(max_length=64, db_default="")  # Celery's, for Flower
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "job_attempts"
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.outcome} {self.number}"
