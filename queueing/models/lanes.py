"""What surrounds the ledger: pauses, workers, the clock's runs, counts by the minute."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from queueing.ids import uuid7


class LaneControl(models.Model):
    """A pause, as long as the row stands: of a queue, of a tenant, of a provider."""

    queue = models.CharField(max_length=32, blank=True, db_default="")  # empty: every queue
    tenant_id = models.UUIDField(null=True, blank=True)  # null: every tenant
    provider = models.CharField(max_length=64, blank=True, db_default="")  # empty: every provider
    paused_until = models.DateTimeField(null=True, blank=True)  # null: until it is resumed
    reason = models.TextField(db_default="")
    actor_id = models.UUIDField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "lane_controls"
        verbose_name, verbose_name_plural = "lane", "lanes"
        default_permissions = ("view",)
        permissions = [("pause_queue", "Can pause and resume queues")]
        constraints = [
            models.UniqueConstraint(
                fields=["queue", "tenant_id", "provider"],
                nulls_distinct=False,
                name="lane_controls_one_per_lane",
            )
        ]

    def __str__(self) -> str:
        return " ".join(str(part) for part in (self.queue, self.tenant_id, self.provider) if part)


class Worker(models.Model):
    """A worker process and when it was last heard of."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=200)
    hostname = models.CharField(max_length=200)
    pid = models.IntegerField()
    processes = models.SmallIntegerField()
    queues = ArrayField(models.CharField(max_length=32))
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "workers"
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.name


class ScheduledRun(models.Model):
    """A periodic job's claim of one window of time, so that late and doubled runs do nothing."""

    name = models.CharField(max_length=100)
    window = models.DateTimeField()  # its start
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    result = models.JSONField(null=True)

    class Meta:
        db_table = "scheduled_runs"
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["name", "window"], name="scheduled_runs_once")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.window:%Y-%m-%d %H:%M}"


class QueueMinute(models.Model):
    """What one queue did in one minute; outlives the jobs."""

    queue = models.CharField(max_length=32)
    minute = models.DateTimeField()
    # Each back end writes its own row, so that commits do not queue up for one; 0 is their sum.
    holder = models.IntegerField(db_default=0)
    completed = models.IntegerField(db_default=0)
    failed = models.IntegerField(db_default=0)
    retried = models.IntegerField(db_default=0)
    crashed = models.IntegerField(db_default=0)
    seconds = models.FloatField(db_default=0.0)  # spent on the completed ones

    class Meta:
        db_table = "queue_minutes"
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["queue", "minute", "holder"], name="queue_minutes_one_per_holder"
            )
        ]

    def __str__(self) -> str:
        return f"{self.queue} {self.minute:%Y-%m-%d %H:%M}"


class CircuitBreaker(models.Model):
    """Whether a provider is called; no row while it has never failed."""

    class State(models.TextChoices):
        CLOSED = "closed"  # it is called
        OPEN = "open"  # it is not
        PROBING = "probing"  # one caller tries it

    provider = models.CharField(max_length=64, primary_key=True)
    state = models.CharField(max_length=16, choices=State, db_default=State.CLOSED)
    failed_at = ArrayField(models.DateTimeField(), db_default=[])  # the latest ones
    calls = models.IntegerField(db_default=0)  # since the first failure …
    failures = models.IntegerField(db_default=0)  # … and those of them that failed
    counted_since = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)  # the last time
    retry_at = models.DateTimeField(null=True)  # when one caller may try it
    probe = models.UUIDField(null=True)  # that caller's token

    class Meta:
        db_table = "circuit_breakers"
        default_permissions = ("view",)
        permissions = [("close_circuit", "Can close the circuit of a provider")]

    def __str__(self) -> str:
        return f"{self.provider} {self.state}"
