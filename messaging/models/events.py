"""The event log of a conversation: gap-free, ids only; what sockets and sync are fed from."""

from django.db import models
from django.utils import timezone


class Event(models.Model):
    """What happened in a conversation, number *seq* of 1..head, in commit order (M11)."""

    class Type(models.TextChoices):
        MESSAGE_CREATED = "message.created"
        MESSAGE_UPDATED = "message.updated"
        MESSAGE_DELETED = "message.deleted"
        CONVERSATION_UPDATED = "conversation.updated"
        PARTICIPANT_ADDED = "participant.added"
        PARTICIPANT_REMOVED = "participant.removed"

    pk = models.CompositePrimaryKey("conversation_id", "seq")
    conversation_id = models.UUIDField()
    seq = models.BigIntegerField()
    tenant_id = models.UUIDField()
    type = models.CharField(max_length=32, choices=Type)
    message_id = models.UUIDField(null=True)
    actor_id = models.UUIDField(null=True)
    at = models.DateTimeField(default=timezone.now)
    data = models.JSONField(default=dict)  # ids only

    class Meta:
        db_table = "events"
