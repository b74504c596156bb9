"""What follows from news of the apps below, inside the transaction that it happened in.

And one word of Django's: a migration backward that would destroy ciphertexts does not begin.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.migrations import Migration
from django.db.migrations.exceptions import IrreversibleError
from django.db.models.signals import pre_migrate
from django.dispatch import Signal, receiver
from django.utils import timezone

from crypto_core.signals import key_created, key_destroyed, key_retired, key_rotated
from crypto_core.suite import Scope
from messaging import audit, batches, events, personal
from messaging.events import Hint
from messaging.models import SYSTEM, Batch, Message, MessageStatus, Notification, Tenant
from messaging.retention import cleanup
from queueing.jobs import Claimed
from queueing.models import Job
from queueing.postgres import execute
from queueing.signals import (
    circuit_closed,
    job_cancelled,
    job_discarded,
    job_failed,
    job_progressed,
    job_retried,
    jobs_completed,
    queue_paused,
    queue_resumed,
)

ENCRYPTION_COLUMNS = ("messaging", "0002_message_encryption")
SESSION_KEY = "content"  # the purpose of the keys that seal a conversation's messages
CRITICAL = {"encrypt-decrypt", "send-message"}  # without these a message reaches nobody

BATCHES = {batches.send_batch.name}

JOB_EVENTS = {
    job_retried: "job.retried",
    job_cancelled: "job.cancelled",
    job_discarded: "job.discarded",
}
KEY_EVENTS = {
    key_created: "key.created",
    key_rotated: "key.rotated",
    key_retired: "key.retired",
    key_destroyed: "key.destroyed",
}

FAIL = """
INSERT INTO message_deliveries (id, tenant_id, message_id, recipient_id, conversation_id, seq, status,
                                failed_at, failure_code, metadata)
SELECT uuid7(), m.tenant_id, m.id, p.user_id, m.conversation_id, m.seq, 'FAILED', now(), %(code)s,
       jsonb_build_object('jobId', job.id, 'attempts', job.attempts, 'encrypted', m.is_encrypted)
FROM unnest(%(messages)s::uuid[], %(jobs)s::uuid[], %(attempts)s::int[])
     AS job (message_id, id, attempts)
JOIN messages m ON m.id = job.message_id AND m.seq IS NOT NULL
JOIN conversation_participants p ON p.conversation_id = m.conversation_id
     AND p.user_id <> m.sender_id AND p.joined_seq <= m.seq
     AND (p.left_seq IS NULL OR p.left_seq > m.seq)
ON CONFLICT (message_id, recipient_id) DO NOTHING
"""


@receiver(job_failed)
def fail_what_depended_on_it(
    sender: object, jobs: Sequence[Claimed], error: Any, **_: object
) -> None:
    """A dead letter is seen where its effect is missed: in the delivery rows or the notification."""
    code = str(getattr(error, "code", "") or type(error).__name__)[:64]
    critical = [job for job in jobs if job.kind in CRITICAL]
    if critical:
        ids = [UUID(job.args["messageId"]) for job in critical]
        Message.objects.filter(pk__in=ids, status=MessageStatus.PENDING).update(
            status=MessageStatus.FAILED
        )
        values = {
            "code": code,
            "messages": ids,
            "jobs": [job.id for job in critical],
            "attempts": [job.attempts for job in critical],
        }
        execute(FAIL, values)
    Notification.objects.filter(
        pk__in=[UUID(j.args["notificationId"]) for j in jobs if j.kind == "send-notification"],
        status=Notification.Status.PLANNED,
    ).update(status=Notification.Status.FAILED, reason=code, failed_at=timezone.now())
    batches.follow([job.id for job in jobs if job.kind in BATCHES], Batch.State.FAILED)
    cleanup.fail([job.id for job in jobs if job.kind == cleanup.clean.name])
    audit.record_many([_entry(job, "job.failed", None, code=code) for job in jobs])
    _tell_owners("job.failed", jobs, error={"code": code})


@receiver(jobs_completed)
def tell_what_is_done(sender: object, jobs: Sequence[Claimed], **_: object) -> None:
    """Who started something hears on their sockets that it is done (S52, S87)."""
    _tell_owners("job.completed", jobs)


@receiver(job_progressed)
def tell_how_far_it_is(
    sender: object, job: Claimed, progress: Mapping[str, object], **_: object
) -> None:
    """Who started something long hears how far it is."""
    _tell_owners("job.progress", [job], progress=progress)


@receiver([job_retried, job_cancelled, job_discarded])
def record_operators_action(
    sender: object, signal: Signal, job: Job, actor_id: UUID | None, reason: str, **_: object
) -> None:
    """What operators do to jobs is in the trail; a notification that is retried is planned again."""
    if signal is job_retried and job.kind == "send-notification":
        Notification.objects.filter(
            pk=UUID(job.args["notificationId"]),
            status__in=[Notification.Status.FAILED, Notification.Status.UNKNOWN],
        ).update(status=Notification.Status.PLANNED, reason="", failed_at=None)
    if job.kind in BATCHES:
        retried = signal is job_retried
        batches.follow([job.id], Batch.State.RUNNING if retried else Batch.State.CANCELLED)
    audit.record_many([_entry(job, JOB_EVENTS[signal], actor_id, reason=reason)])


@receiver([queue_paused, queue_resumed])
def record_pause(
    sender: object,
    signal: Signal,
    queue: str,
    tenant_id: UUID | None,
    actor_id: UUID | None,
    reason: str,
    **_: object,
) -> None:
    """Pausing and resuming are in the trail of the tenant that they are about, or the operators'."""
    audit.record(
        tenant_id=tenant_id or Tenant.objects.get(slug=SYSTEM).pk,
        actor_id=actor_id,
        action="queue.paused" if signal is queue_paused else "queue.resumed",
        target_type="queue",
        target_id=queue or "all",
        reason=reason,
    )


@receiver(circuit_closed)
def record_circuit(
    sender: object, provider: str, actor_id: UUID | None, reason: str, **_: object
) -> None:
    """Who closed a provider's circuit is in the operators' trail."""
    audit.record(
        tenant_id=Tenant.objects.get(slug=SYSTEM).pk,
        actor_id=actor_id,
        action="circuit.closed",
        target_type="provider",
        target_id=provider,
        reason=reason,
    )


@receiver([key_created, key_rotated, key_retired, key_destroyed])
def record_key_event(
    sender: object, signal: Signal, scope: Scope, key_id: str, reason: str, **_: object
) -> None:
    """Keys come and go in the trail, by their ids."""
    audit.record(
        tenant_id=scope.tenant,
        actor_id=None,
        action=KEY_EVENTS[signal],
        target_type="key",
        target_id=key_id,
        purpose=scope.purpose,
        conversation=scope.conversation,
        reason=reason,
    )


@receiver(key_rotated)
def tell_of_rotation(sender: object, scope: Scope, key_id: str, **_: object) -> None:
    """Members hear that a conversation has another session key; a signal, since no order hangs on it."""
    if scope.conversation is None or scope.purpose != SESSION_KEY:
        return
    frame = {
        "type": "signal",
        "event": "session_key.rotated",
        "conversationId": str(scope.conversation),
        "data": {"keyId": key_id},
    }
    hint = Hint(
        str(scope.tenant), str(scope.conversation), None, "session_key.rotated", frame=frame
    )
    transaction.on_commit(partial(events.publish, [hint]))


@receiver(pre_migrate)
def refuse_to_lose_ciphertexts(
    sender: object, using: str, plan: Sequence[tuple[Migration, bool]], **_: object
) -> None:
    """The migration itself refuses too, but only after those above it were taken back."""
    drops = any(back and (m.app_label, m.name) == ENCRYPTION_COLUMNS for m, back in plan)
    if drops and Message.objects.using(using).filter(is_encrypted=True).exists():
        raise IrreversibleError("messages holds sealed rows; going back would destroy them")


def _tell_owners(event: str, jobs: Sequence[Claimed], **facts: object) -> None:
    """One signal to each owner for all of *jobs*, after the commit."""
    owners: dict[UUID, list[dict[str, object]]] = {}
    for job in jobs:
        if job.owner_id:
            told = {"jobId": str(job.id), "name": job.kind, "messageId": job.args.get("messageId")}
            owners.setdefault(job.owner_id, []).append(told | facts)
    signals = [
        personal.Signal(person=owner, event=event, data={"jobs": told})
        for owner, told in owners.items()
    ]
    if signals:
        transaction.on_commit(partial(personal.tell, signals))


def _entry(job: Claimed | Job, action: str, actor_id: UUID | None, **facts: object) -> audit.Entry:
    return audit.Entry(
        tenant_id=job.tenant_id,
        actor_id=actor_id,
        action=action,
        target_type="job",
        target_id=job.id,
        facts={"kind": job.kind, **facts},
    )
