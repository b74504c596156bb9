"""Sealed bodies, the rows they stand in, and what it costs to make them."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crypto_core import keyring
from crypto_core.errors import CryptoError
from crypto_core.service import Context, Sealed
from messaging.models import Message
from queueing.ids import uuid7


def sealed(result: Sealed | CryptoError) -> Sealed:
    assert isinstance(result, Sealed)
    return result


def kid_of(body: Sealed) -> str:
    return body.metadata["keyId"]


def elsewhere(context: Context) -> Context:
    return replace(context, tenant=uuid4())


def row(context: Context, body: Sealed) -> Message:
    """The message of *context*, not saved, with *body*."""
    return Message(
        id=uuid7(),
        tenant_id=context.tenant,
        conversation_id=context.conversation,
        sender_id=uuid4(),
        created_at=timezone.now(),
        is_encrypted=True,
        encrypted_content=body.ciphertext,
        encryption_metadata=body.metadata,
        encryption_version=body.version,
    )


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """How many queries were made and how many keys unwrapped in the block."""
    counts = {"queries": 0, "unwraps": 0}
    unwrapped = keyring.unwrapped

    def count(*arguments):
        counts["unwraps"] += 1
        return unwrapped(*arguments)

    monkeypatch.setattr(keyring, "unwrapped", count)
    with CaptureQueriesContext(connection) as queries:
        yield counts
    counts["queries"] = len(queries)
    monkeypatch.undo()


def median_milliseconds(call: Callable[[], object], times: int = 50) -> float:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)
