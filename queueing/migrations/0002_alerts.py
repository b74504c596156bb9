"""What was wrong with a queue, and who was told."""

import django.contrib.postgres.fields
import django.db.models.functions.datetime
import queueing.ids
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("queueing", "0001_ledger"),
    ]

    operations = [
        migrations.CreateModel(
            name="AlertIncident",
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
                ("rule", models.CharField(max_length=32)),
                ("queue", models.CharField(max_length=32)),
                (
                    "opened_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "seen_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("resolved_at", models.DateTimeField(null=True)),
                ("facts", models.JSONField()),
                (
                    "told",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=32), db_default=[], size=None
                    ),
                ),
                ("telling_until", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "alert",
                "verbose_name_plural": "alerts",
                "db_table": "alert_incidents",
                "default_permissions": ("view",),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("resolved_at__isnull", True)),
                        fields=("rule", "queue"),
                        name="alert_incidents_one_open",
                    )
                ],
            },
        ),
    ]
