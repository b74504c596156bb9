"""Writing many events at once: each conversation's row is locked once, in the order of their ids."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from messaging.models import Event
from queueing.postgres import fetch

LOCK = """
    SELECT id, head_seq, members_version FROM conversations
    WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR NO KEY UPDATE"""

APPEND = """
    WITH given AS MATERIALIZED (
        SELECT * FROM unnest(%(conversations)s::uuid[], %(tenants)s::uuid[], %(messages)s::uuid[],
                             %(actors)s::uuid[], %(types)s::text[])
            WITH ORDINALITY AS g(conversation, tenant, message, actor, type, place)),
    counted AS (SELECT conversation, count(*) AS number FROM given GROUP BY conversation),
    heads AS (
        UPDATE conversations c SET head_seq = c.head_seq + n.number
        FROM counted n WHERE c.id = n.conversation
        RETURNING c.id, c.head_seq - n.number AS before),
    written AS (
        INSERT INTO events (conversation_id, seq, tenant_id, type, message_id, actor_id, at, data)
        SELECT g.conversation, h.before + row_number() OVER w, g.tenant, g.type, g.message, g.actor,
               now(), '{}'::jsonb
        FROM given g JOIN heads h ON h.id = g.conversation
        WINDOW w AS (PARTITION BY g.conversation ORDER BY g.place)
        RETURNING message_id, seq)
    SELECT message_id, seq FROM written"""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """What happened to a message."""

    tenant_id: UUID
    conversation_id: UUID
    message_id: UUID
    actor_id: UUID | None
    type: Event.Type


def lock(conversation_ids: Collection[UUID]) -> dict[UUID, int]:
    """Lock these conversations until the commit; the version of membership of each that is there."""
    rows = fetch(LOCK, {"ids": sorted(conversation_ids)})
    return {id_: version for id_, _, version in rows}


def append_many(events: Sequence[NewEvent]) -> dict[UUID, int]:
    """Write the next events of conversations that `lock` holds; each message's seq."""
    if not events:
        return {}
    values = {
        "conversations": [event.conversation_id for event in events],
        "tenants": [event.tenant_id for event in events],
        "messages": [event.message_id for event in events],
        "actors": [event.actor_id for event in events],
        "types": [event.type.value for event in events],
    }
    return {message: int(seq) for message, seq in fetch(APPEND, values)}
