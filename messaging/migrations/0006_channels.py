import django.core.validators
import django.db.models.deletion
import queueing.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0005_uuid7"),
    ]

    operations = [
        migrations.AddField(
            model_name="tenant",
            name="sms",
            field=models.CharField(
                blank=True,
                choices=[("urgent", "Urgent"), ("always", "Always"), ("off", "Off")],
                default="",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="phone",
            field=models.CharField(
                blank=True,
                default="",
                max_length=16,
                validators=[
                    django.core.validators.RegexValidator(
                        "^\\+[1-9][0-9]{6,14}\\Z", "A number as in +4930123456."
                    )
                ],
            ),
        ),
        migrations.CreateModel(
            name="DevicePushToken",
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
                ("session_id", models.UUIDField()),
                (
                    "platform",
                    models.CharField(choices=[("fcm", "Fcm"), ("apns", "Apns")], max_length=8),
                ),
                ("token_hash", models.BinaryField(max_length=32, unique=True)),
                ("sealed_token", models.BinaryField()),
                ("key_id", models.CharField(max_length=64)),
                ("label", models.CharField(blank=True, max_length=100)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("last_seen_at", models.DateTimeField()),
                ("disabled_at", models.DateTimeField(blank=True, null=True)),
                ("disabled_reason", models.CharField(blank=True, default="", max_length=64)),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="messaging.tenant",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="push_tokens",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "device_push_tokens",
            },
        ),
        migrations.CreateModel(
            name="NotificationTemplate",
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
                (
                    "channel",
                    models.CharField(
                        choices=[
                            ("push", "Push"),
                            ("email", "Email"),
                            ("sms", "Sms"),
                            ("in_app", "In App"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "type",
                    models.CharField(
                        choices=[("message", "Message")], default="message", max_length=32
                    ),
                ),
                ("version", models.PositiveIntegerField(editable=False)),
                ("subject", models.CharField(blank=True, max_length=200)),
                ("body", models.CharField(blank=True, max_length=1000)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="messaging.tenant",
                    ),
                ),
            ],
            options={
                "db_table": "notification_templates",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "channel", "type", "version"),
                        name="notification_templates_version_key",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PushSend",
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
                ("notification_id", models.UUIDField()),
                ("device_id", models.UUIDField()),
                ("provider_id", models.CharField(blank=True, max_length=200)),
                ("sent_at", models.DateTimeField(auto_now_add=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="messaging.tenant",
                    ),
                ),
            ],
            options={
                "db_table": "push_sends",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("notification_id", "device_id"), name="push_sends_once_key"
                    )
                ],
            },
        ),
    ]
