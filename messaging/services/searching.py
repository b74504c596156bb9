"""Searching: words in messages that the index itself cannot read (M37, S109)."""

from typing import Any
from uuid import UUID

from django.db import transaction

from messaging import encryption
from messaging.models import Message, Tenant, User
from messaging.services.conversations import membership, memberships
from messaging.services.reading import open_views
from queueing.postgres import fetch

MOST_CHARACTERS = 500

# Each conversation has its own key and so its own query; the newest of each, then the newest of all.
FIND = """
SELECT hit.id
FROM unnest(%(conversations)s::uuid[], %(queries)s::text[], %(joined)s::bigint[])
     AS asked (conversation_id, query, joined_seq)
CROSS JOIN LATERAL (
    SELECT m.id FROM message_search s JOIN messages m ON m.id = s.message_id
    WHERE s.conversation_id = asked.conversation_id AND s.tokens @@ asked.query::tsquery
      AND m.deleted_at IS NULL AND m.seq >= asked.joined_seq
      AND (%(before)s::uuid IS NULL OR m.id < %(before)s::uuid)
    ORDER BY m.id DESC LIMIT %(limit)s
) AS hit
ORDER BY hit.id DESC LIMIT %(limit)s
"""


@transaction.atomic
def search(
    user: User,
    *,
    q: str,
    conversation_id: UUID | None = None,
    limit: int = 25,
    before: UUID | None = None,
) -> list[dict[str, Any]]:
    """The messages of *user*'s conversations that match *q*, opened, the youngest first.

    *q* knows words, "phrases", `or` and `-without`. Raises Invalid for a query that says nothing, and
    NotFound for a conversation that is not the user's.
    """
    if user.tenant.search == Tenant.Search.OFF:
        return []
    found = [membership(user, conversation_id)] if conversation_id else memberships(user)
    joined = {stay.conversation_id: stay.joined_seq for stay in found}
    queries = encryption.blind_queries(
        user.tenant_id, joined, q[:MOST_CHARACTERS], user.tenant.language
    )
    parameters = {
        "conversations": list(queries),
        "queries": list(queries.values()),
        "joined": [joined[conversation] for conversation in queries],
        "before": before,
        "limit": limit,
    }
    ids = [row[0] for row in fetch(FIND, parameters)]
    rows = Message.objects.in_bulk(ids)
    return open_views(user, [rows[id] for id in ids])
