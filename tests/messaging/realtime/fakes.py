"""Stand-ins for what unit tests of the socket do not want: transports, identities, a database."""

import asyncio
import json
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

from messaging.events import Hint
from messaging.realtime import limits
from messaging.realtime.dispatcher import News
from messaging.realtime.outbox import Outbox
from messaging.realtime.reader import Page
from messaging.realtime.rooms import Connection, Form, Rendered, Room, Subscription
from messaging.realtime.wire import Wire


class Ear(Outbox):
    """An outbox that is a list of the frames written; *full* is what its reader has not taken."""

    def __init__(self) -> None:
        super().__init__(self._ignore)
        self.frames: list[dict[str, Any]] = []
        self.full = 0
        self.was_cut = False

    @staticmethod
    async def _ignore(message: dict[str, Any]) -> None:
        pass

    @property
    def waiting(self) -> int:
        return self.full

    @property
    def seqs(self) -> list[int]:
        return [frame["seq"] for frame in self.frames if "seq" in frame]

    def write(self, wire: Wire) -> None:
        if self.full > limits.OUTBOX:
            self.gone = self.was_cut = True
        else:
            self.frames.append(json.loads(wire.text))

    def _abort(self) -> None:
        pass


def connection(form: Form = "open", user_id: UUID | None = None) -> Connection:
    identity: Any = SimpleNamespace(
        user=SimpleNamespace(pk=user_id or uuid4()),
        session_id=uuid4(),
        expires_at=datetime(2100, 1, 1, tzinfo=UTC),
    )
    return Connection(channel=uuid4().hex, outbox=Ear(), identity=identity, form=form)


def ear(subscription: Subscription) -> Ear:
    outbox = subscription.connection.outbox
    assert isinstance(outbox, Ear)
    return outbox


class Log:
    """A conversation's events as a list, with what PostgreSQL would say about them."""

    def __init__(self) -> None:
        self.conversation_id = uuid4()
        self.left: list[Subscription] = []
        self.room = Room(self.conversation_id, self.left.append)
        self.head = 0
        self.unpromoted: set[int] = set()  # under an ingress key: no sealed form
        self.removals: dict[int, UUID] = {}
        self.stays: dict[UUID, list[tuple[int, int | None]]] = {}
        self.reads = 0
        self.down = 0  # readings that fail from now on
        self.page = 256

    def join(self, start: int = 0, form: Form = "open") -> Subscription:
        one = connection(form)
        self.stays[one.user_id] = [(0, None)]
        subscription = self.room.join(one)
        subscription.cursor.position = start
        return subscription

    def append(self, *, promoted: bool = True, removes: UUID | None = None) -> int:
        self.head += 1
        if not promoted:
            self.unpromoted.add(self.head)
        if removes:
            self.removals[self.head] = removes
            self.stays[removes] = [(0, self.head + 1)]
        return self.head

    def event(self, seq: int, forms: Collection[Form]) -> Rendered:
        made: dict[Form, Wire | None] = {
            form: None if form == "sealed" and seq in self.unpromoted else Wire({"seq": seq})
            for form in forms
        }
        kind = "participant.removed" if seq in self.removals else "message.created"
        return Rendered(seq, kind, self.removals.get(seq), made)

    def news(self, seq: int) -> News:
        sealed = seq not in self.unpromoted and seq not in self.removals
        person = self.removals.get(seq)
        hint = Hint(
            tenant_id="",
            conversation_id=str(self.conversation_id),
            seq=seq,
            event="participant.removed" if person else "message.created",
            person=str(person) if person else None,
            frame={"seq": seq} if sealed else None,
        )
        return News(self.room, seq, hint)

    async def read_page(
        self,
        conversation_id: UUID,
        after: int,
        users: Collection[UUID],
        forms: Collection[Form],
        limit: int,
    ) -> Page:
        self.reads += 1
        limit = min(limit, self.page)
        head = self.head
        await asyncio.sleep(0)
        if self.down:
            self.down -= 1
            raise OSError("the database is away")
        seqs = range(after + 1, min(head, after + limit) + 1)
        stays = {user: self.stays[user] for user in users if user in self.stays}
        events = [self.event(seq, forms) for seq in seqs]
        return Page(events, stays, full=len(seqs) == limit)

    async def render(self, news: Sequence[News]) -> list[Rendered]:
        await asyncio.sleep(0)
        if self.down:
            self.down -= 1
            raise OSError("the database is away")
        return [self.event(each.seq, each.forms) for each in news]


async def settle(rounds: int = 200) -> None:
    """Let everything that can run now run."""
    for _ in range(rounds):
        await asyncio.sleep(0)
