"""What a stream of events may show: the stays of its readers, looked at with every page."""

from collections.abc import Collection
from uuid import UUID

from django.db import connection

STAYS = """
SELECT p.user_id, p.joined_seq, p.left_seq FROM conversation_participants p
JOIN conversations c ON c.id = p.conversation_id
WHERE p.conversation_id = %s AND p.user_id = ANY(%s::uuid[]) AND c.deleted_at IS NULL
"""


def stays(
    conversation_id: UUID, user_ids: Collection[UUID]
) -> dict[UUID, list[tuple[int, int | None]]]:
    """From which event on, and up to before which, each of *user_ids* belonged here."""
    found: dict[UUID, list[tuple[int, int | None]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(STAYS, [conversation_id, list(user_ids)])
        for user_id, joined, left in cursor.fetchall():
            found.setdefault(user_id, []).append((joined, left))
    return found
