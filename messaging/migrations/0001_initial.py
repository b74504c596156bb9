"""The tables of the product, with what would be expensive to add later."""

import django.contrib.auth.validators
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.utils.timezone
import queueing.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="Conversation",
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
                    "kind",
                    models.CharField(
                        choices=[("direct", "Direct"), ("group", "Group")], max_length=16
                    ),
                ),
                (
                    "protection",
                    models.CharField(
                        choices=[("none", "None"), ("managed", "Managed"), ("e2ee", "E2Ee")],
                        default="managed",
                        max_length=16,
                    ),
                ),
                (
                    "direct_key",
                    models.CharField(editable=False, max_length=80, null=True, unique=True),
                ),
                ("head_seq", models.BigIntegerField(default=0)),
                ("members_version", models.BigIntegerField(default=1)),
                ("participant_count", models.PositiveIntegerField(default=0)),
                ("sealed_title", models.BinaryField(null=True)),
                ("title_key_id", models.CharField(blank=True, max_length=43)),
                ("created_by", models.UUIDField(null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                ("deleted_at", models.DateTimeField(blank=True, null=True)),
                ("hold", models.BooleanField(default=False)),
                ("retention_days", models.PositiveIntegerField(blank=True, null=True)),
            ],
            options={
                "db_table": "conversations",
            },
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "conversation_id",
                        "seq",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("conversation_id", models.UUIDField()),
                ("seq", models.BigIntegerField()),
                ("tenant_id", models.UUIDField()),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("message.created", "Message Created"),
                            ("message.updated", "Message Updated"),
                            ("message.deleted", "Message Deleted"),
                            ("conversation.updated", "Conversation Updated"),
                            ("participant.added", "Participant Added"),
                            ("participant.removed", "Participant Removed"),
                        ],
                        max_length=32,
                    ),
                ),
                ("message_id", models.UUIDField(null=True)),
                ("actor_id", models.UUIDField(null=True)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("data", models.JSONField(default=dict)),
            ],
            options={
                "db_table": "events",
            },
        ),
        migrations.CreateModel(
            name="Tenant",
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
                ("slug", models.SlugField(unique=True)),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("suspended", "Suspended")],
                        default="active",
                        max_length=16,
                    ),
                ),
                (
                    "encryption",
                    models.CharField(
                        choices=[
                            ("required", "Required"),
                            ("preferred", "Preferred"),
                            ("off", "Off"),
                        ],
                        default="required",
                        max_length=16,
                    ),
                ),
                (
                    "search",
                    models.CharField(
                        choices=[("blind", "Blind"), ("off", "Off")], default="blind", max_length=16
                    ),
                ),
                (
                    "preview",
                    models.CharField(
                        choices=[("none", "None"), ("sender", "Sender")],
                        default="none",
                        max_length=16,
                    ),
                ),
                ("language", models.CharField(default="english", max_length=16)),
                ("retention_days", models.PositiveIntegerField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "db_table": "tenants",
            },
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                ),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
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
                    "username",
                    models.CharField(
                        max_length=150,
                        unique=True,
                        validators=[django.contrib.auth.validators.UnicodeUsernameValidator()],
                    ),
                ),
                ("display_name", models.CharField(blank=True, max_length=200)),
                ("email", models.EmailField(blank=True, max_length=254)),
                (
                    "kind",
                    models.CharField(
                        choices=[("person", "Person"), ("service", "Service")],
                        default="person",
                        max_length=16,
                    ),
                ),
                ("issuer", models.CharField(blank=True, max_length=200, null=True)),
                ("subject", models.CharField(blank=True, max_length=200, null=True)),
                ("token_version", models.PositiveIntegerField(default=1)),
                ("time_zone", models.CharField(default="UTC", max_length=64)),
                ("locale", models.CharField(default="en", max_length=16)),
                ("is_staff", models.BooleanField(default=False)),
                ("is_active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="users",
                        to="messaging.tenant",
                    ),
                ),
            ],
            options={
                "db_table": "users",
            },
        ),
        migrations.CreateModel(
            name="Message",
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
                ("seq", models.BigIntegerField(editable=False, null=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[("text", "Text"), ("system", "System")],
                        default="text",
                        max_length=16,
                    ),
                ),
                (
                    "protection",
                    models.CharField(
                        choices=[("none", "None"), ("managed", "Managed"), ("e2ee", "E2Ee")],
                        default="none",
                        max_length=16,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("PENDING", "Pending"),
                            ("SENT", "Sent"),
                            ("DELIVERED", "Delivered"),
                            ("READ", "Read"),
                            ("FAILED", "Failed"),
                        ],
                        default="PENDING",
                        max_length=16,
                    ),
                ),
                (
                    "priority",
                    models.SmallIntegerField(
                        choices=[(0, "Critical"), (1, "High"), (2, "Normal"), (3, "Low")], default=2
                    ),
                ),
                ("content", models.TextField(blank=True, default="")),
                ("metadata", models.JSONField(null=True)),
                ("client_message_id", models.CharField(editable=False, max_length=64, null=True)),
                ("reply_to", models.UUIDField(null=True)),
                ("version", models.PositiveIntegerField(default=1)),
                ("created_at", models.DateTimeField()),
                ("edited_at", models.DateTimeField(null=True)),
                ("deleted_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
                ("scheduled_at", models.DateTimeField(null=True)),
                ("ack_required", models.BooleanField(default=False)),
                ("ack_deadline", models.DateTimeField(null=True)),
                ("batch_id", models.UUIDField(null=True)),
                ("template_id", models.UUIDField(null=True)),
                ("traceparent", models.CharField(blank=True, default="", max_length=55)),
                (
                    "conversation",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="messages",
                        to="messaging.conversation",
                    ),
                ),
                (
                    "sender",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
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
                "db_table": "messages",
            },
        ),
        migrations.CreateModel(
            name="MessageSearch",
            fields=[
                ("message_id", models.UUIDField(primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField()),
                ("conversation_id", models.UUIDField(db_index=True)),
                ("tokens", django.contrib.postgres.search.SearchVectorField()),
                ("language", models.CharField(max_length=16)),
                ("key_id", models.CharField(max_length=43)),
            ],
            options={
                "db_table": "message_search",
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["tokens"], name="message_search_tokens_idx"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Session",
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
                ("refresh_hash", models.BinaryField(max_length=32)),
                ("device_id", models.UUIDField(blank=True, null=True)),
                ("user_agent", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("last_used_at", models.DateTimeField(auto_now_add=True)),
                ("idle_expires_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sessions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
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
                "db_table": "sessions",
            },
        ),
        migrations.CreateModel(
            name="Idempotency",
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
                ("actor_id", models.UUIDField()),
                (
                    "scope",
                    models.CharField(
                        choices=[("header", "Header"), ("message", "Message")], max_length=16
                    ),
                ),
                ("key", models.CharField(max_length=255)),
                ("body_hash", models.BinaryField(max_length=32)),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("response", models.JSONField(null=True)),
                ("message_id", models.UUIDField(null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField(null=True)),
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
                "db_table": "idempotency",
            },
        ),
        migrations.AddField(
            model_name="conversation",
            name="tenant",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="messaging.tenant",
            ),
        ),
        migrations.CreateModel(
            name="AuditEvent",
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
                ("actor_id", models.UUIDField(null=True)),
                ("action", models.CharField(max_length=64)),
                ("target_type", models.CharField(max_length=32)),
                ("target_id", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
                ("body", models.TextField()),
                ("mac", models.BinaryField(max_length=32)),
                ("key_id", models.CharField(max_length=43)),
                ("seq", models.BigIntegerField(null=True)),
                ("link", models.BinaryField(max_length=32, null=True)),
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
                "db_table": "audit_events",
            },
        ),
        migrations.CreateModel(
            name="Participant",
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
                    "role",
                    models.CharField(
                        choices=[("owner", "Owner"), ("member", "Member")],
                        default="member",
                        max_length=16,
                    ),
                ),
                ("joined_seq", models.BigIntegerField(default=0)),
                ("left_seq", models.BigIntegerField(blank=True, null=True)),
                ("delivered_seq", models.BigIntegerField(default=0)),
                ("read_seq", models.BigIntegerField(default=0)),
                ("read_at", models.DateTimeField(blank=True, null=True)),
                ("read_private", models.BooleanField(default=False)),
                ("muted_until", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="participants",
                        to="messaging.conversation",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="participations",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
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
                "db_table": "conversation_participants",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("left_seq", None)),
                        fields=("conversation", "user"),
                        name="conversation_participants_present_key",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("left_seq", None),
                            ("left_seq__gte", models.F("joined_seq")),
                            _connector="OR",
                        ),
                        name="conversation_participants_stay",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Notification",
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
                ("message_id", models.UUIDField()),
                ("conversation_id", models.UUIDField()),
                ("channel", models.CharField(max_length=16)),
                ("round", models.PositiveSmallIntegerField(default=1)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("planned", "Planned"),
                            ("sent", "Sent"),
                            ("failed", "Failed"),
                            ("unknown", "Unknown"),
                            ("skipped", "Skipped"),
                        ],
                        default="planned",
                        max_length=16,
                    ),
                ),
                ("reason", models.CharField(blank=True, default="", max_length=64)),
                ("priority", models.SmallIntegerField(default=2)),
                ("provider", models.CharField(blank=True, default="", max_length=32)),
                ("provider_id", models.CharField(blank=True, default="", max_length=200)),
                ("idempotency_key", models.CharField(max_length=160)),
                ("opaque_id", models.UUIDField()),
                ("collapse_key", models.CharField(blank=True, default="", max_length=64)),
                ("digest_key", models.CharField(blank=True, default="", max_length=64)),
                ("send_after", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("sent_at", models.DateTimeField(null=True)),
                ("failed_at", models.DateTimeField(null=True)),
                ("seen_at", models.DateTimeField(null=True)),
                ("read_at", models.DateTimeField(null=True)),
                ("archived_at", models.DateTimeField(null=True)),
                ("clicked_at", models.DateTimeField(null=True)),
                ("snoozed_until", models.DateTimeField(null=True)),
                (
                    "recipient",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
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
                "db_table": "notifications",
                "indexes": [
                    models.Index(
                        condition=models.Q(("channel", "in_app")),
                        fields=["recipient", "-id"],
                        name="notifications_inbox_idx",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("message_id", "recipient", "channel", "round"),
                        name="notifications_once_key",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MessageDelivery",
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
                ("conversation_id", models.UUIDField()),
                ("seq", models.BigIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("PENDING", "Pending"),
                            ("SENT", "Sent"),
                            ("DELIVERED", "Delivered"),
                            ("READ", "Read"),
                            ("FAILED", "Failed"),
                        ],
                        max_length=16,
                    ),
                ),
                ("sent_at", models.DateTimeField(null=True)),
                ("delivered_at", models.DateTimeField(null=True)),
                ("read_at", models.DateTimeField(null=True)),
                ("failed_at", models.DateTimeField(null=True)),
                ("failure_code", models.CharField(blank=True, default="", max_length=64)),
                ("metadata", models.JSONField(default=dict)),
                (
                    "message",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="deliveries",
                        to="messaging.message",
                    ),
                ),
                (
                    "recipient",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
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
                "verbose_name_plural": "message deliveries",
                "db_table": "message_deliveries",
                "indexes": [
                    models.Index(
                        fields=["recipient", "conversation_id", "seq"],
                        name="message_deliveries_range_idx",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("message", "recipient"), name="message_deliveries_once_key"
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                fields=["conversation", "seq"], name="messages_conversation_seq_idx"
            ),
        ),
        migrations.AddConstraint(
            model_name="idempotency",
            constraint=models.UniqueConstraint(
                fields=("tenant", "actor_id", "scope", "key"), name="idempotency_once_key"
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(fields=["tenant", "-id"], name="conversations_tenant_idx"),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["tenant", "-id"], name="audit_events_tenant_idx"),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["target_id"], name="audit_events_target_idx"),
        ),
        migrations.AddConstraint(
            model_name="auditevent",
            constraint=models.UniqueConstraint(
                fields=("tenant", "seq"), name="audit_events_seq_key"
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(
                fields=("issuer", "subject"), name="users_issuer_subject_key"
            ),
        ),
    ]
