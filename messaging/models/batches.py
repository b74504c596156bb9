"""Batches: one text to many people, each in a message and a conversation of their own."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from messaging.models.accounts import User
from messaging.models.base import Owned


class BatchQuerySet(models.QuerySet["Batch"]):
    def of(self, user: User) -> "BatchQuerySet":
        """Those that *user* has sent."""
        return self.filter(tenant_id=user.tenant_id, sender_id=user.pk)


class Batch(Owned):
    """An order to send; its recipients become rows chunk by chunk, from *cursor* on."""

    class State(models.TextChoices):
        RUNNING = "running"  # its job sends chunk after chunk
        PAUSED = "paused"  # until it is resumed
        COMPLETED = "completed"  # everybody was tried; some may have failed
        CANCELLED = "cancelled"  # nobody else gets it
        FAILED = "failed"  # its job is a dead letter; a retry goes on where it stood

    batch_id = models.CharField(max_length=64)  # as its sender calls it; unless they say, its id
    sender = models.ForeignKey(
        User, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    state = models.CharField(max_length=16, choices=State, default=State.RUNNING)
    recipient_ids = ArrayField(models.UUIDField())
    total = models.PositiveIntegerField()
    cursor = models.PositiveIntegerField(default=0)  # recipients that have a row
    chunk_size = models.PositiveSmallIntegerField()
    chunk_delay = models.PositiveSmallIntegerField()  # milliseconds
    steps = models.PositiveIntegerField()  # chunks of this round: the first, or a retry
    steps_done = models.PositiveIntegerField(default=0)
    encrypted = models.BooleanField(null=True)  # as asked for; null: the tenant's policy
    notify = models.BooleanField(default=True)
    index = models.BooleanField(default=True)
    has_variables = models.BooleanField(default=False)
    job_id = models.UUIDField()  # that sends it; any other job of it came before
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager["Batch"]] = BatchQuerySet.as_manager()

    class Meta:
        db_table = "batches"
        verbose_name_plural = "batches"
        default_permissions = ("view",)
        permissions = [("steer_batch", "Can pause, resume, cancel and retry a batch")]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "sender", "batch_id"], name="batches_batch_id_key"
            )
        ]

    def __str__(self) -> str:
        return self.batch_id


class BatchText(Owned):
    """What a batch says, sealed as its messages are; gone when nobody can need it any more."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="texts")
    number = models.PositiveIntegerField()  # 0: the template; n: the variables of chunk n
    text = models.TextField(blank=True, default="")  # of a batch that is not sealed
    sealed = models.BinaryField(null=True)
    encryption_metadata = models.JSONField(null=True)
    encryption_version = models.CharField(max_length=20, null=True)

    class Meta:
        db_table = "batch_texts"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["batch", "number"], name="batch_texts_once_key"),
            models.CheckConstraint(
                condition=models.Q(sealed=None) | models.Q(text=""), name="batch_texts_one_form"
            ),
        ]


class BatchRecipient(Owned):
    """One person of a batch, and what came of it."""

    class Status(models.TextChoices):
        PENDING = "pending"  # to be tried again
        SENT = "sent"  # accepted, as any message
        FAILED = "failed"  # refused, for *failure_code*

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="recipients")
    recipient_id = models.UUIDField()
    position = models.PositiveIntegerField()  # in the batch's list
    status = models.CharField(max_length=16, choices=Status)
    message_id = models.UUIDField(null=True)
    failure_code = models.CharField(max_length=64, blank=True, default="")
    attempts = models.PositiveSmallIntegerField(db_default=1)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "batch_recipients"
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["batch", "status", "position"], name="batch_recipients_status_idx")
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["batch", "recipient_id"], name="batch_recipients_once_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.recipient_id} {self.status}"
