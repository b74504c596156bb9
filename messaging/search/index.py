"""Writing the index: a row of blind tokens per message, replaced whenever the message changes."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from messaging import encryption
from messaging.models import Message, MessageSearch, Tenant
from queueing.postgres import execute

COLUMNS = ("ids", "tenants", "conversations", "tokens", "languages", "keys")
WRITE = """
INSERT INTO message_search (message_id, tenant_id, conversation_id, tokens, language, key_id)
SELECT id, tenant_id, conversation_id, tokens::tsvector, language, key_id
FROM unnest(%(ids)s::uuid[], %(tenants)s::uuid[], %(conversations)s::uuid[], %(tokens)s::text[],
            %(languages)s::text[], %(keys)s::text[])
     AS row (id, tenant_id, conversation_id, tokens, language, key_id)
ON CONFLICT (message_id) DO UPDATE
SET tokens = excluded.tokens, language = excluded.language, key_id = excluded.key_id
"""


def write(messages: Sequence[Message]) -> dict[UUID, str]:
    """Index *messages*, rows locked by the caller; the error code of each that cannot be opened."""
    tenants = Tenant.objects.in_bulk({row.tenant_id for row in messages})
    wanted = [row for row in messages if tenants[row.tenant_id].search != Tenant.Search.OFF]
    opened = encryption.open_messages(wanted)
    rows = []
    for row in wanted:
        if not opened[row.pk].error:
            language = tenants[row.tenant_id].language
            tokens, kid = encryption.blind_tokens(
                row.tenant_id, row.conversation_id, opened[row.pk].text, language
            )
            rows.append((row.pk, row.tenant_id, row.conversation_id, tokens, language, kid))
    if rows:
        columns = (list(column) for column in zip(*rows, strict=True))
        execute(WRITE, dict(zip(COLUMNS, columns, strict=True)))
    return {pk: result.error for pk, result in opened.items() if result.error}


def having(message_ids: Iterable[UUID]) -> set[UUID]:
    """Those of *message_ids* that are in the index."""
    ids = list(message_ids)
    if not ids:
        return set()
    rows = MessageSearch.objects.filter(message_id__in=ids)
    return set(rows.values_list("message_id", flat=True))


def remove(message_ids: Iterable[UUID]) -> None:
    """Take messages that are gone out of the index."""
    if ids := list(message_ids):
        MessageSearch.objects.filter(message_id__in=ids).delete()
