"""The ledger and what surrounds it."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import queueing.ids
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Worker",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=queueing.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("hostname", models.CharField(max_length=200)),
                ("pid", models.IntegerField()),
                ("processes", models.SmallIntegerField()),
                (
                    "queues",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=32), size=None
                    ),
                ),
                (
                    "started_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "seen_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "db_table": "workers",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="Job",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField()),
                ("run_id", models.UUIDField()),
                ("kind", models.CharField(max_length=64)),
                (
                    "queue",
                    models.CharField(
                        choices=[
                            ("message-delivery", "message-delivery"),
                            ("message-notification", "message-notification"),
                            ("message-indexing", "message-indexing"),
                            ("message-encryption", "message-encryption"),
                            ("batch-message-sending", "batch-message-sending"),
                            ("message-cleanup", "message-cleanup"),
                        ],
                        max_length=32,
                    ),
                ),
                ("position", models.SmallIntegerField(db_default=0)),
                ("critical", models.BooleanField(db_default=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("blocked", "Blocked"),
                            ("waiting", "Waiting"),
                            ("active", "Active"),
                            ("completed", "Completed"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        db_default="waiting",
                        max_length=16,
                    ),
                ),
                (
                    "priority",
                    models.SmallIntegerField(
                        choices=[(0, "Critical"), (1, "High"), (2, "Normal"), (3, "Low")],
                        db_default=2,
                    ),
                ),
                (
                    "run_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("weight", models.IntegerField(db_default=1)),
                ("args", models.JSONField()),
                ("subject_id", models.UUIDField(null=True)),
                ("owner_id", models.UUIDField(null=True)),
                ("attempts", models.SmallIntegerField(db_default=0)),
                ("attempts_base", models.SmallIntegerField(db_default=0)),
                ("crashes", models.SmallIntegerField(db_default=0)),
                ("deferrals", models.IntegerField(db_default=0)),
                ("generation", models.SmallIntegerField(db_default=0)),
                ("token", models.UUIDField(null=True)),
                ("holder_pid", models.IntegerField(null=True)),
                ("holder_start", models.DateTimeField(null=True)),
                ("worker_id", models.UUIDField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("cancel_requested", models.BooleanField(db_default=False)),
                ("progress", models.JSONField(null=True)),
                ("error_class", models.CharField(db_default="", max_length=100)),
                ("error_fingerprint", models.CharField(db_default="", max_length=16)),
                ("error", models.TextField(db_default="")),
                ("result", models.JSONField(null=True)),
                ("traceparent", models.CharField(db_default="", max_length=55)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "jobs",
                "permissions": [
                    ("retry_job", "Can retry a dead letter"),
                    ("cancel_job", "Can cancel a job"),
                    ("discard_job", "Can discard a dead letter"),
                ],
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("crashes", 0), ("state", "waiting")),
                        fields=["queue", "priority", "run_at", "id"],
                        name="jobs_ready",
                    ),
                    models.Index(
                        condition=models.Q(("crashes__gt", 0), ("state", "waiting")),
                        fields=["queue", "run_at", "id"],
                        name="jobs_crashed",
                    ),
                    models.Index(
                        condition=models.Q(("state", "active")),
                        fields=["lease_until"],
                        name="jobs_active",
                    ),
                    models.Index(
                        condition=models.Q(("state", "failed")),
                        fields=["queue", "finished_at"],
                        name="jobs_failed",
                    ),
                    models.Index(
                        condition=models.Q(("subject_id__isnull", False)),
                        fields=["subject_id"],
                        name="jobs_subject",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="JobAttempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("generation", models.SmallIntegerField()),
                ("number", models.SmallIntegerField()),
                (
                    "outcome",
                    models.CharField(
                        choices=[("error", "Error"), ("timeout", "Timeout"), ("crash", "Crash")],
                        max_length=16,
                    ),
                ),
                ("error_class", models.CharField(max_length=100)),
                ("error_fingerprint", models.CharField(db_default="", max_length=16)),
                ("error", models.TextField(db_default="")),
                ("location", models.CharField(db_default="", max_length=200)),
                ("worker_id", models.UUIDField(null=True)),
                ("task_id", models.CharField(db_default="", max_length=64)),
                ("started_at", models.DateTimeField(null=True)),
                (
                    "ended_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="bad_attempts",
                        to="queueing.job",
                    ),
                ),
            ],
            options={
                "db_table": "job_attempts",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="LaneControl",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("queue", models.CharField(blank=True, db_default="", max_length=32)),
                ("tenant_id", models.UUIDField(blank=True, null=True)),
                ("provider", models.CharField(blank=True, db_default="", max_length=64)),
                ("paused_until", models.DateTimeField(blank=True, null=True)),
                ("reason", models.TextField(db_default="")),
                ("actor_id", models.UUIDField(null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "db_table": "lane_controls",
                "verbose_name": "lane",
                "verbose_name_plural": "lanes",
                "permissions": [("pause_queue", "Can pause and resume queues")],
                "default_permissions": ("view",),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("queue", "tenant_id", "provider"),
                        name="lane_controls_one_per_lane",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="QueueMinute",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("queue", models.CharField(max_length=32)),
                ("minute", models.DateTimeField()),
                ("holder", models.IntegerField(db_default=0)),
                ("completed", models.IntegerField(db_default=0)),
                ("failed", models.IntegerField(db_default=0)),
                ("retried", models.IntegerField(db_default=0)),
                ("crashed", models.IntegerField(db_default=0)),
                ("seconds", models.FloatField(db_default=0.0)),
            ],
            options={
                "db_table": "queue_minutes",
                "default_permissions": ("view",),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("queue", "minute", "holder"), name="queue_minutes_one_per_holder"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ScheduledRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("window", models.DateTimeField()),
                (
                    "started_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("finished_at", models.DateTimeField(null=True)),
                ("result", models.JSONField(null=True)),
            ],
            options={
                "db_table": "scheduled_runs",
                "default_permissions": ("view",),
                "constraints": [
                    models.UniqueConstraint(fields=("name", "window"), name="scheduled_runs_once")
                ],
            },
        ),
        migrations.RunSQL(
            # Rows change state a few times within seconds: dead versions must go at once, or every
            # claim wades through them.
            "ALTER TABLE jobs SET (autovacuum_vacuum_scale_factor = 0.02,"
            " autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0)",
            "ALTER TABLE jobs RESET (autovacuum_vacuum_scale_factor,"
            " autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay)",
        ),
    ]
