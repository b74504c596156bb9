"""What a batch says, kept as its messages will be: sealed, or plain where they are."""

import json
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from messaging import encryption, sealed
from messaging.models import Batch, BatchText
from messaging.sealed import Sealed
from messaging.services import variables
from messaging.services.variables import Words

TEMPLATE = 0  # the number of the text that everybody gets; n are the variables of chunk n


def rows_of(
    batch: Batch, content: str, people: Sequence[UUID], words: Mapping[UUID, Words]
) -> list[BatchText]:
    """The unsaved rows of what *batch* says. Raises EncryptionUnavailable, Invalid."""
    texts = [content]
    for first in range(0, len(people) if words else 0, batch.chunk_size):
        chunk = enumerate(people[first : first + batch.chunk_size], start=first)
        texts.append(variables.packed({n: words[one] for n, one in chunk if one in words}))
    rows = [
        BatchText(tenant_id=batch.tenant_id, batch=batch, number=number)
        for number in range(len(texts))
    ]
    if not encryption.wants_sealing(batch.sender.tenant, batch.encrypted):
        for row, text in zip(rows, texts, strict=True):
            row.text = text
        return rows
    plain = {row.pk: text for row, text in zip(rows, texts, strict=True)}
    found = sealed.seal_texts(batch.tenant_id, batch.pk, plain)
    for row in rows:
        row.sealed = found[row.pk].ciphertext
        row.encryption_metadata = found[row.pk].metadata
        row.encryption_version = found[row.pk].version
    return rows


def read(batch: Batch, chunks: Collection[int]) -> tuple[str, dict[int, Words]]:
    """The template of *batch*, and by position the words for the people in these *chunks*."""
    numbers = {TEMPLATE} | (set(chunks) if batch.has_variables else set())
    rows = list(batch.texts.filter(number__in=numbers).order_by("number"))
    closed = {row.pk: _sealed(row) for row in rows if row.sealed is not None}
    opened = sealed.open_texts(batch.tenant_id, batch.pk, closed)
    template, *rest = (opened.get(row.pk, row.text) for row in rows)
    words = {int(n): each for text in rest for n, each in json.loads(text).items()}
    return template, words


def _sealed(row: BatchText) -> Sealed:
    metadata, version = row.encryption_metadata or {}, row.encryption_version or ""
    return Sealed(bytes(row.sealed or b""), metadata, version)
