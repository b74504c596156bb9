"""The circuits of the providers."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("queueing", "0002_alerts")]

    operations = [
        migrations.CreateModel(
            name="CircuitBreaker",
            fields=[
                ("provider", models.CharField(max_length=64, primary_key=True, serialize=False)),
                (
                    "state",
                    models.CharField(
                        choices=[("closed", "Closed"), ("open", "Open"), ("probing", "Probing")],
                        db_default="closed",
                        max_length=16,
                    ),
                ),
                (
                    "failed_at",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.DateTimeField(), db_default=[], size=None
                    ),
                ),
                ("calls", models.IntegerField(db_default=0)),
                ("failures", models.IntegerField(db_default=0)),
                ("counted_since", models.DateTimeField(null=True)),
                ("opened_at", models.DateTimeField(null=True)),
                ("retry_at", models.DateTimeField(null=True)),
                ("probe", models.UUIDField(null=True)),
            ],
            options={
                "db_table": "circuit_breakers",
                "permissions": [("close_circuit", "Can close the circuit of a provider")],
                "default_permissions": ("view",),
            },
        ),
    ]
