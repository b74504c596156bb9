"""What was answered to a repeated request, and what was done by whom."""

from django.db import models

from messaging.models.base import Owned


class Idempotency(Owned):
    """The answer to a request that carries a key of its sender's (M4)."""

    class Scope(models.TextChoices):
        HEADER = "header"  # Idempotency-Key: kept for 24 h
        MESSAGE = "message"  # clientMessageId: kept as long as its message
        BATCH = "batch"  # batchId: kept as long as its batch

    actor_id = models.UUIDField()
    scope = models.CharField(max_length=16, choices=Scope)
    key = models.CharField(max_length=255)
    body_hash = models.BinaryField(max_length=32)  # SHA-256 of the canonical request
    status = models.PositiveSmallIntegerField(null=True)
    response = models.JSONField(null=True)
    message_id = models.UUIDField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "idempotency"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "actor_id", "scope", "key"], name="idempotency_once_key"
            )
        ]
        indexes = [
            models.Index(
                fields=["message_id"],
                condition=models.Q(message_id__isnull=False),
                name="idempotency_message_idx",  # rows that go with their message
            )
        ]


class AuditEvent(Owned):
    """Who did what to what; a trigger refuses DELETE and every UPDATE but sealing (S132, M64)."""

    actor_id = models.UUIDField(null=True)  # null: the system itself
    action = models.CharField(max_length=64)
    target_type = models.CharField(max_length=32)
    target_id = models.CharField(max_length=64)
    at = models.DateTimeField()
    body = models.TextField()  # canonical JSON of all of it, ids only
    mac = models.BinaryField(max_length=32)  # HMAC-SHA-256 of the body under the tenant's audit key
    key_id = models.CharField(max_length=43)
    seq = models.BigIntegerField(null=True)  # given by the sealer
    link = models.BinaryField(null=True, max_length=32)

    class Meta:
        db_table = "audit_events"
        indexes = [
            models.Index(fields=["tenant", "-id"], name="audit_events_tenant_idx"),
            models.Index(fields=["target_id"], name="audit_events_target_idx"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "seq"], name="audit_events_seq_key")
        ]
