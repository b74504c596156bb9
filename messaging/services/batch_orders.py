"""What somebody asks for when they send to many, and within which bounds (S95)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from messaging.errors import Invalid
from messaging.models import Batch, Idempotency, User
from messaging.services import variables
from messaging.services.batch_lists import NAME
from messaging.services.idempotency import Key
from messaging.services.sending import LONGEST_CONTENT
from messaging.services.variables import Words
from queueing.ids import uuid7
from queueing.jobs import Args

MOST_RECIPIENTS, LARGEST_CHUNK, LONGEST_DELAY = 10_000, 100, 5000  # the delay in milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What somebody wants sent to many. *encrypted* None leaves it to the tenant's policy."""

    recipient_ids: Sequence[UUID]
    content: str
    batch_id: str | None = None  # a repetition under the same one is answered as the first
    chunk_size: int = 10
    chunk_delay: int = 100
    encrypted: bool | None = None
    notify: bool = True
    index: bool = True
    variables: Mapping[UUID, Words] = field(default_factory=dict)


class Sending(Args, frozen=True):
    """What a job that sends a batch is told: which one, whose, and at what pace."""

    batch_id: UUID
    sender_id: UUID
    chunk_size: Annotated[int, Meta(ge=1, le=LARGEST_CHUNK)]
    chunk_delay: Annotated[int, Meta(ge=0, le=LONGEST_DELAY)]


def check(sender: User, order: Order, people: Sequence[UUID]) -> None:
    """Raise Invalid, pointing at it, for whatever is out of bounds."""
    if not 1 <= len(people) <= MOST_RECIPIENTS:
        raise Invalid(f"1 to {MOST_RECIPIENTS} people.", pointer="/recipientIds")
    if sender.pk in people:
        place = list(order.recipient_ids).index(sender.pk)
        raise Invalid("Nobody writes to themselves.", pointer=f"/recipientIds/{place}")
    if not 1 <= len(order.content) <= LONGEST_CONTENT:
        raise Invalid(f"1 to {LONGEST_CONTENT} characters.", pointer="/content")
    if not 1 <= order.chunk_size <= LARGEST_CHUNK:
        raise Invalid(f"1 to {LARGEST_CHUNK}.", pointer="/chunkSize")
    if not 0 <= order.chunk_delay <= LONGEST_DELAY:
        raise Invalid(f"0 to {LONGEST_DELAY}.", pointer="/chunkDelay")
    if order.batch_id is not None and not NAME.fullmatch(order.batch_id):
        raise Invalid("1 to 64 letters, digits, dots, colons, - and _.", pointer="/batchId")
    if order.variables:
        variables.check(order.content, people, order.variables)


def row_of(sender: User, order: Order, people: list[UUID]) -> Batch:
    """The unsaved batch."""
    pk = uuid7()
    row = Batch(
        id=pk,
        tenant_id=sender.tenant_id,
        sender=sender,
        batch_id=order.batch_id or str(pk),
        recipient_ids=people,
        total=len(people),
        chunk_size=order.chunk_size,
        chunk_delay=order.chunk_delay,
        encrypted=order.encrypted,
        notify=order.notify,
        index=order.index,
        has_variables=bool(order.variables),
    )
    row.steps = chunks(row, row.total)
    return row


def keys_of(order: Order, key: Key | None) -> list[Key]:
    """The keys under which this order may have been given before."""
    keys = [key] if key else []
    if order.batch_id:
        said = json.dumps(
            asdict(order) | {"variables": sorted(order.variables.items())}, default=str
        )
        digest = sha256(said.encode()).digest()
        keys.append(Key(order.batch_id, digest, Idempotency.Scope.BATCH))
    return keys


def chunks(row: Batch, people: int) -> int:
    """In how many chunks *row* sends to so many *people*."""
    return -(-people // row.chunk_size)
