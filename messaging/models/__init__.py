"""The tables of the product, one page per idea."""

from messaging.models.accounts import (
    SYSTEM,
    AttemptWindow,
    Session,
    SocketTicket,
    Tenant,
    User,
)
from messaging.models.batches import Batch, BatchRecipient, BatchText
from messaging.models.channels import (
    DevicePushToken,
    NotificationTemplate,
    PushSend,
)
from messaging.models.cleanup import CleanupRun
from messaging.models.conversations import Conversation, Participant, Protection
from messaging.models.events import Event
from messaging.models.messages import Message, MessageDelivery, MessageStatus, Priority
from messaging.models.notifications import Notification
from messaging.models.records import AuditEvent, Idempotency
from messaging.models.search import MessageSearch

__all__ = [
    "SYSTEM",
    "AttemptWindow",
    "AuditEvent",
    "Batch",
    "BatchRecipient",
    "BatchText",
    "CleanupRun",
    "Conversation",
    "DevicePushToken",
    "Event",
    "Idempotency",
    "Message",
    "MessageDelivery",
    "MessageSearch",
    "MessageStatus",
    "Notification",
    "NotificationTemplate",
    "Participant",
    "Priority",
    "Protection",
    "PushSend",
    "Session",
    "SocketTicket",
    "Tenant",
    "User",
]
