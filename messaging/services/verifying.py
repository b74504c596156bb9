"""Verifying that a stored message opens, without showing it to anybody: an operator's tool (S31)."""

from typing import Any
from uuid import UUID

from django.db import transaction

from messaging import audit
from messaging.errors import Forbidden, NotFound
from messaging.models import Message, User
from messaging.services.reading import visible
from messaging.stages.encrypt import encrypt
from queueing.models.jobs import sees_all


@transaction.atomic
def verify_message(*, actor: User, message_id: UUID) -> dict[str, Any]:
    """Have a worker open the message and record only whether that went well; the job's id.

    For staff of the message's tenant and for operators. Raises Forbidden for who may read it and is
    neither, NotFound for everybody else.
    """
    rows = Message.objects.filter(pk=message_id)
    row = (rows if sees_all(actor) else rows.filter(tenant_id=actor.tenant_id)).first()
    if not actor.is_staff:
        if visible(actor).filter(pk=message_id).exists():
            raise Forbidden("For staff only.")
        raise NotFound
    if row is None:
        raise NotFound
    job_id = encrypt.enqueue(
        tenant_id=row.tenant_id,
        owner_id=actor.pk,
        subject_id=row.pk,
        args={
            "messageId": row.pk,
            "conversationId": row.conversation_id,
            "operation": "decrypt",
        },
    )
    audit.record(
        tenant_id=row.tenant_id,
        actor_id=actor.pk,
        action="message.verification-asked",
        target_type="message",
        target_id=row.pk,
        job=job_id,
    )
    return {"messageId": str(row.pk), "jobId": str(job_id)}
