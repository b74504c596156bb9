"""What answers look like: for the schema only, since services return plain dictionaries."""

from types import new_class
from typing import Any

from rest_framework import serializers

from messaging.api.serializers import Shape
from messaging.models import Batch as BatchRow
from messaging.models import BatchRecipient as BatchRecipientRow
from messaging.models import MessageStatus, Priority, Protection


class FieldError(Shape):
    pointer = serializers.CharField(required=False, help_text="JSON pointer into the body.")
    parameter = serializers.CharField(required=False, help_text="Name of a query parameter.")
    code = serializers.CharField()
    detail = serializers.CharField()


class Problem(Shape):
    """RFC 9457; `type` is the address of a page that says what to do."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    request_id = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        # `errors` and `data` are attributes of every serializer, of another type.
        return super().get_fields() | {"errors": FieldError(many=True, required=False)}


class Cursors(Shape):
    next_cursor = serializers.CharField(allow_null=True)
    has_more = serializers.BooleanField()


def listed(row: type[Shape], base: type[Shape] = Shape, suffix: str = "List") -> type[Shape]:
    """The shape of an answer with many rows; `data` cannot be said in a class body's types."""
    made: type[Shape] = new_class(
        f"{row.__name__}{suffix}", (base,), exec_body=lambda body: body.update(data=row(many=True))
    )
    return made


def paged(row: type[Shape]) -> type[Shape]:
    """The shape of a page of rows."""
    return listed(row, Cursors, "Page")


class Participant(Shape):
    user_id = serializers.UUIDField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=["owner", "member"])
    joined_seq = serializers.IntegerField()
    delivered_seq = serializers.IntegerField()
    read_seq = serializers.IntegerField(allow_null=True, help_text="null if kept private.")


class Conversation(Shape):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=["direct", "group"])
    title = serializers.CharField(allow_blank=True)
    head_seq = serializers.IntegerField(help_text="The seq of its last event.")
    unread = serializers.IntegerField()
    participants = Participant(many=True)
    created_at = serializers.DateTimeField()


ConversationPage = paged(Conversation)


class Encryption(Shape):
    """With what a message is sealed; `managed` protection only."""

    version = serializers.CharField()
    algorithm = serializers.CharField()
    iv = serializers.CharField()
    auth_tag = serializers.CharField()
    key_id = serializers.CharField()


class Unreadable(Shape):
    code = serializers.CharField()


class Message(Shape):
    id = serializers.UUIDField()
    conversation_id = serializers.UUIDField()
    sender_id = serializers.UUIDField()
    seq = serializers.IntegerField(allow_null=True, help_text="null until a scheduled one is due.")
    status = serializers.ChoiceField(choices=MessageStatus.values)
    priority = serializers.ChoiceField(choices=Priority.names)
    protection = serializers.ChoiceField(choices=Protection.values)
    content = serializers.CharField(help_text="Empty if it cannot be opened: see `error`.")
    is_encrypted = serializers.BooleanField()
    metadata = serializers.DictField(allow_null=True)
    created_at = serializers.DateTimeField()
    version = serializers.IntegerField(help_text="Raised by every edit; also the ETag.")
    edited_at = serializers.DateTimeField(allow_null=True)
    encryption = Encryption(required=False)
    error = Unreadable(required=False)


MessagePage = paged(Message)


class AcceptedMessage(Shape):
    id = serializers.UUIDField()
    conversation_id = serializers.UUIDField()
    sender_id = serializers.UUIDField()
    seq = serializers.IntegerField(allow_null=True)
    status = serializers.ChoiceField(choices=MessageStatus.values)
    is_encrypted = serializers.BooleanField()
    encryption_version = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()


class JobIds(Shape):
    """null for a step that was not asked for."""

    encryption = serializers.UUIDField(allow_null=True)
    delivery = serializers.UUIDField(allow_null=True)
    notification = serializers.UUIDField(allow_null=True)
    indexing = serializers.UUIDField(allow_null=True)


class Queued(Shape):
    success = serializers.BooleanField()

    def get_fields(self) -> dict[str, Any]:
        errors = serializers.ListField(child=serializers.CharField())
        return super().get_fields() | {"errors": errors}


class QueueStatus(Queued):
    job_ids = JobIds()


class JobLinks(Shape):
    encryption = serializers.CharField(allow_null=True)
    delivery = serializers.CharField(allow_null=True)
    notification = serializers.CharField(allow_null=True)
    indexing = serializers.CharField(allow_null=True)


class Links(Shape):
    def get_fields(self) -> dict[str, Any]:
        return {"self": serializers.CharField()} | super().get_fields()


class AcceptedLinks(Links):
    jobs = JobLinks()


class Accepted(Shape):
    """The message and the state of its queue (S121)."""

    message = AcceptedMessage()
    queue = QueueStatus()
    links = AcceptedLinks()


class ChangedMessage(AcceptedMessage):
    version = serializers.IntegerField()
    edited_at = serializers.DateTimeField()


class ChangeJobIds(Shape):
    """null for a step that is not needed."""

    encryption = serializers.UUIDField(allow_null=True)
    indexing = serializers.UUIDField(allow_null=True)


class ChangeQueueStatus(Queued):
    job_ids = ChangeJobIds()


class ChangeJobLinks(Shape):
    encryption = serializers.CharField(allow_null=True)
    indexing = serializers.CharField(allow_null=True)


class ChangedLinks(Links):
    jobs = ChangeJobLinks()


class Changed(Shape):
    """The edited message and the state of its queue (S121)."""

    message = ChangedMessage()
    queue = ChangeQueueStatus()
    links = ChangedLinks()


class VerificationLinks(Shape):
    job = serializers.CharField()


class Verification(Shape):
    message_id = serializers.UUIDField()
    job_id = serializers.UUIDField()
    links = VerificationLinks()


class Delivery(Shape):
    message_id = serializers.UUIDField()
    recipient_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=MessageStatus.values)
    sent_at = serializers.DateTimeField(allow_null=True)
    delivered_at = serializers.DateTimeField(allow_null=True)
    read_at = serializers.DateTimeField(allow_null=True)
    failure_reason = serializers.CharField(allow_null=True)
    metadata = serializers.DictField()


class Notification(Shape):
    id = serializers.UUIDField()
    type = serializers.ChoiceField(choices=["IN_APP"])
    title = serializers.CharField(max_length=200)
    message = serializers.CharField(max_length=1000)
    message_id = serializers.UUIDField()
    conversation_id = serializers.UUIDField()
    priority = serializers.ChoiceField(choices=Priority.names)
    created_at = serializers.DateTimeField()
    read_at = serializers.DateTimeField(allow_null=True)


NotificationPage = paged(Notification)


DeliveryList = listed(Delivery)


class BatchLinks(Shape):
    job = serializers.CharField()
    recipients = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        return {"self": serializers.CharField()} | super().get_fields()


class AcceptedBatch(Shape):
    batch_id = serializers.CharField()
    job_id = serializers.UUIDField()
    links = BatchLinks()


class BatchProgress(Shape):
    """Of this round: the first one, or a retry; steps are chunks."""

    percentage = serializers.IntegerField(help_text="Of all recipients.")
    step = serializers.CharField()
    total_steps = serializers.IntegerField()
    current_step = serializers.IntegerField()


class Batch(Shape):
    id = serializers.UUIDField()
    batch_id = serializers.CharField()
    job_id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=BatchRow.State.values)
    total = serializers.IntegerField()
    success_count = serializers.IntegerField()
    failure_count = serializers.IntegerField()
    remaining = serializers.IntegerField()
    retryable = serializers.BooleanField()
    progress = BatchProgress()
    chunk_size = serializers.IntegerField()
    chunk_delay = serializers.IntegerField(help_text="Milliseconds.")
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


BatchPage = paged(Batch)


class BatchRecipient(Shape):
    recipient_id = serializers.UUIDField()
    position = serializers.IntegerField()
    status = serializers.ChoiceField(choices=BatchRecipientRow.Status.values)
    message_id = serializers.UUIDField(allow_null=True)
    failure_reason = serializers.CharField(allow_null=True)
    attempts = serializers.IntegerField()
    at = serializers.DateTimeField()


BatchRecipientPage = paged(BatchRecipient)
