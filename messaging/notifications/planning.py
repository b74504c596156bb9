"""Planning: one row per message, recipient and channel, written before anything is sent (M3)."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from messaging.notifications import log
from messaging.notifications.registry import registered
from messaging.notifications.sending import send
from queueing.jobs import NewJob
from queueing.postgres import fetch

PLAN = """
INSERT INTO notifications (id, tenant_id, message_id, conversation_id, recipient_id, channel, round,
    status, reason, priority, provider, provider_id, idempotency_key, opaque_id, collapse_key,
    digest_key, created_at, sent_at)
SELECT uuid7(), d.tenant_id, d.message_id, d.conversation_id, d.recipient_id, channel.name, 1,
    CASE WHEN channel.inside THEN 'sent' ELSE 'planned' END, '', m.priority, '', '',
    concat_ws(':', 'notify', d.message_id, d.recipient_id, channel.name, 1), gen_random_uuid(),
    '', '', now(), CASE WHEN channel.inside THEN now() END
FROM message_deliveries d
JOIN messages m ON m.id = d.message_id AND m.deleted_at IS NULL
JOIN users u ON u.id = d.recipient_id AND u.is_active
JOIN tenants t ON t.id = d.tenant_id
JOIN LATERAL ({channels}) AS channel (name, inside, reaches) ON channel.reaches
WHERE d.message_id = ANY(%(messages)s::uuid[]) AND d.status <> 'FAILED'
ON CONFLICT (message_id, recipient_id, channel, round) DO NOTHING
RETURNING id, tenant_id, message_id, recipient_id, channel, priority, status = 'planned'
"""


class Planned(NamedTuple):
    """A row that planning wrote."""

    id: UUID
    tenant_id: UUID
    message_id: UUID
    recipient_id: UUID
    channel: str
    priority: int
    to_send: bool


def plan(message_ids: Sequence[str]) -> None:
    """Write who is told of these messages by which channel, and enqueue what has to leave the house."""
    found = fetch(PLAN.format(channels=_channels()), {"messages": [UUID(id) for id in message_ids]})
    rows = [Planned(*row) for row in found]
    send.enqueue_many(
        NewJob(
            tenant_id=row.tenant_id,
            args={
                "notificationId": str(row.id),
                "messageId": str(row.message_id),
                "recipientId": str(row.recipient_id),
                "type": row.channel.upper(),  # PUSH, EMAIL, SMS (S28)
            },
            subject_id=row.message_id,
            priority=row.priority,
        )
        for row in rows
        if row.to_send
    )
    _log([row for row in rows if not row.to_send])


def _log(inside: Sequence[Planned]) -> None:
    """One line for what is done by being planned: a large group must not cost a line for each."""
    if inside:
        log.told(
            "sent",
            channel=inside[0].channel,
            count=len(inside),
            messages=",".join(sorted({str(row.message_id) for row in inside})),
            notifications=",".join(str(row.id) for row in inside),
        )


def _channels() -> str:
    """The channels as rows; their conditions are constants of our own classes."""
    return " UNION ALL ".join(
        f"SELECT '{channel.name}', {channel.inside}, {channel.reach()}"
        for channel in registered().values()
    )
