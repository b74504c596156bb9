"""Messages: what was said, plain or sealed, never both."""

from typing import ClassVar

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.fields.json import KT

from messaging.models.accounts import User
from messaging.models.base import NamedIndex, Owned
from messaging.models.conversations import Conversation, Participant, Protection

SEALED = Q(
    is_encrypted=True,
    content="",
    encrypted_content__isnull=False,
    encryption_version__isnull=False,
    encryption_metadata__has_keys=["algorithm", "iv", "authTag", "keyId"],
)
PLAIN = Q(
    is_encrypted=False,
    encrypted_content__isnull=True,
    encryption_version__isnull=True,
    encryption_metadata__isnull=True,
)


class Priority(models.IntegerChoices):
    """The order in which waiting work is taken (C16)."""

    CRITICAL = 0
    HIGH = 1
    NORMAL = 2
    LOW = 3


class MessageStatus(models.TextChoices):
    """How far a message, or its delivery to one person, has come (S79); only ever forward."""

    PENDING = "PENDING"  # accepted, not yet delivered
    SENT = "SENT"  # written for its recipients and published
    DELIVERED = "DELIVERED"  # a device has it
    READ = "READ"
    FAILED = "FAILED"  # the delivery job is a dead letter; a retry may still move it to SENT


class MessageQuerySet(models.QuerySet["Message"]):
    def of(self, user: User) -> "MessageQuerySet":
        """Those that *user* may read: of conversations they are in, since they joined."""
        stay = Participant.objects.filter(
            conversation_id=OuterRef("conversation_id"),
            user_id=user.pk,
            left_seq=None,
            joined_seq__lte=OuterRef("seq"),
        )
        return self.filter(Exists(stay), tenant_id=user.tenant_id, deleted_at=None)


class Message(Owned):
    """One message. Its id is also the id of the run of its jobs.

    There is no unique constraint but the id, so that the table can be partitioned by it; and no
    foreign key to the conversation, so that it can go before its messages do (S103).
    """

    class Kind(models.TextChoices):
        TEXT = "text"
        SYSTEM = "system"

    conversation = models.ForeignKey(
        Conversation,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="messages",
    )
    sender = models.ForeignKey(
        User, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    seq = models.BigIntegerField(null=True, editable=False)  # null until a scheduled one is due
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.TEXT)
    protection = models.CharField(max_length=16, choices=Protection, default=Protection.NONE)
    status = models.CharField(max_length=16, choices=MessageStatus, default=MessageStatus.PENDING)
    priority = models.SmallIntegerField(choices=Priority, default=Priority.NORMAL)
    content = models.TextField(default="", blank=True)
    is_encrypted = models.BooleanField(default=False)
    encrypted_content = models.BinaryField(null=True)
    encryption_metadata = models.JSONField(null=True)
    encryption_version = models.CharField(max_length=20, null=True)
    key_id = models.GeneratedField(
        expression=KT("encryption_metadata__keyId"),
        output_field=models.TextField(null=True),
        db_persist=True,
    )
    metadata = models.JSONField(null=True)  # the sender's own fields; of a plain message only
    sealed_metadata = models.BinaryField(null=True)  # the same under the content's key
    client_message_id = models.CharField(max_length=64, null=True, editable=False)
    reply_to = models.UUIDField(null=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    scheduled_at = models.DateTimeField(null=True)
    ack_required = models.BooleanField(default=False)
    ack_deadline = models.DateTimeField(null=True)
    batch_id = models.UUIDField(null=True)
    template_id = models.UUIDField(null=True)
    traceparent = models.CharField(max_length=55, default="", blank=True)

    objects: ClassVar[models.Manager["Message"]] = MessageQuerySet.as_manager()

    class Meta:
        db_table = "messages"
        indexes = [
            models.Index(fields=["conversation", "seq"], name="messages_conversation_seq_idx"),
            models.Index(fields=["is_encrypted"], name="messages_is_encrypted_idx"),
            NamedIndex(
                fields=["conversation", "is_encrypted"],
                name="messages_conversation_encrypted_idx",
            ),
            models.Index(fields=["key_id"], name="messages_key_id_idx"),
        ]
        constraints = [
            models.CheckConstraint(condition=SEALED | PLAIN, name="messages_sealed_or_plain"),
            models.CheckConstraint(
                condition=Q(sealed_metadata=None) | Q(is_encrypted=True, metadata__isnull=True),
                name="messages_metadata_as_content",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class DeliveryQuerySet(models.QuerySet["MessageDelivery"]):
    def of(self, user: User) -> "DeliveryQuerySet":
        """Those of messages that *user* may read: their own as recipient, all as sender."""
        mine = Q(recipient_id=user.pk) | Q(message__sender_id=user.pk)
        return self.filter(mine, tenant_id=user.tenant_id)


class MessageDelivery(Owned):
    """One message to one recipient, and how far it came (S75, S79-S81)."""

    message = models.ForeignKey(
        Message,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="deliveries",
    )
    recipient = models.ForeignKey(
        User, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    conversation_id = models.UUIDField()
    seq = models.BigIntegerField()
    status = models.CharField(max_length=16, choices=MessageStatus)
    sent_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    failure_code = models.CharField(max_length=64, blank=True, default="")
    metadata = models.JSONField(default=dict)  # {jobId, attempts, encrypted}

    objects: ClassVar[models.Manager["MessageDelivery"]] = DeliveryQuerySet.as_manager()

    class Meta:
        db_table = "message_deliveries"
        verbose_name_plural = "message deliveries"
        indexes = [
            models.Index(
                fields=["recipient", "conversation_id", "seq"],
                name="message_deliveries_range_idx",  # a cumulative receipt is one range
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["message", "recipient"], name="message_deliveries_once_key"
            )
        ]
