"""Conversations and who takes part in them, from which event to which."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from messaging.models.accounts import User
from messaging.models.base import Owned


class Protection(models.TextChoices):
    """How a content is kept (C3); `e2ee` never means anything the server could open."""

    NONE = "none"
    MANAGED = "managed"
    E2EE = "e2ee"


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def of(self, user: User) -> "ConversationQuerySet":
        """Those in which *user* takes part now."""
        return self.filter(
            tenant_id=user.tenant_id,
            deleted_at=None,
            participants__user_id=user.pk,
            participants__left_seq=None,
        )


class Conversation(Owned):
    """People who write to each other, and the counter of what happened there."""

    class Kind(models.TextChoices):
        DIRECT = "direct"
        GROUP = "group"

    kind = models.CharField(max_length=16, choices=Kind)
    protection = models.CharField(max_length=16, choices=Protection, default=Protection.MANAGED)
    direct_key = models.CharField(max_length=80, unique=True, null=True, editable=False)
    head_seq = models.BigIntegerField(default=0)  # the last event's; raised under the row lock
    # Raised by every change of membership under the row lock; accept repeats what it has read.
    members_version = models.BigIntegerField(default=1)
    participant_count = models.PositiveIntegerField(default=0)
    sealed_title = models.BinaryField(null=True)
    title_key_id = models.CharField(max_length=43, blank=True)
    created_by = models.UUIDField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    hold = models.BooleanField(default=False)  # a legal hold: nothing here may be deleted
    retention_days = models.PositiveIntegerField(null=True, blank=True)

    objects: ClassVar[models.Manager["Conversation"]] = ConversationQuerySet.as_manager()

    class Meta:
        db_table = "conversations"
        permissions = [("rotate_key", "Can give a conversation a new key")]
        indexes = [models.Index(fields=["tenant", "-id"], name="conversations_tenant_idx")]

    def __str__(self) -> str:
        return str(self.pk)


class ParticipantQuerySet(models.QuerySet["Participant"]):
    def at(self, seq: int) -> "ParticipantQuerySet":
        """Those who may see the event *seq* of their conversation."""
        return self.filter(Q(left_seq=None) | Q(left_seq__gt=seq), joined_seq__lte=seq)

    def present(self) -> "ParticipantQuerySet":
        return self.filter(left_seq=None)


class Participant(Owned):
    """One stay of a person: events with joined_seq <= seq < left_seq are theirs."""

    class Role(models.TextChoices):
        OWNER = "owner"  # may add and remove others
        MEMBER = "member"

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="participants"
    )
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="participations")
    role = models.CharField(max_length=16, choices=Role, default=Role.MEMBER)
    joined_seq = models.BigIntegerField(default=0)
    left_seq = models.BigIntegerField(null=True, blank=True)
    delivered_seq = models.BigIntegerField(default=0)
    read_seq = models.BigIntegerField(default=0)
    read_at = models.DateTimeField(null=True, blank=True)
    read_private = models.BooleanField(default=False)
    muted_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager["Participant"]] = ParticipantQuerySet.as_manager()

    class Meta:
        db_table = "conversation_participants"
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "user"],
                condition=Q(left_seq=None),
                name="conversation_participants_present_key",
            ),
            models.CheckConstraint(
                condition=Q(left_seq=None) | Q(left_seq__gte=F("joined_seq")),
                name="conversation_participants_stay",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.conversation_id}"
