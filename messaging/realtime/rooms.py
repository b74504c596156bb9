"""Who in this process follows which conversation, how far each has come, and what they may see."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Literal
from uuid import UUID

from messaging.realtime import limits
from messaging.realtime.cursor import Cursor, Step
from messaging.realtime.meter import Meter
from messaging.realtime.outbox import Outbox
from messaging.realtime.wire import Wire
from messaging.services.accounts import Identity

Form = Literal["open", "sealed"]
Stays = Mapping[UUID, list[tuple[int, int | None]]]  # user -> (joined, left) of each stay

REMOVED = "participant.removed"


class Rendered:
    """An event as it goes out: encoded once in each form that somebody here reads.

    A form that is None cannot be shown yet: the sealed one of a message still under an ingress key.
    *bare* goes to those who came after event *about*, where the message that was changed stands.
    """

    __slots__ = ("about", "bare", "forms", "removed", "seq")

    def __init__(
        self,
        seq: int,
        event: str,
        person: UUID | None,
        forms: dict[Form, Wire | None],
        *,
        about: int | None = None,
        bare: Wire | None = None,
    ) -> None:
        self.seq = seq
        self.removed = person if event == REMOVED else None  # whose stay this ends
        self.forms = forms
        self.about = about
        self.bare = bare


class Connection:
    """One socket after its hello: whose it is, what it follows, and where its frames go."""

    def __init__(
        self, *, channel: str, outbox: Outbox, identity: Identity, form: Form = "open"
    ) -> None:
        self.channel = channel
        self.outbox = outbox
        self.identity = identity
        self.form = form
        self.ping_at = time.time() + limits.HEARTBEAT
        self.subscriptions: dict[UUID, Subscription] = {}
        self.chatter = Meter(limits.SIGNALS_PER_SECOND, limits.SIGNALS_AT_ONCE)

    @property
    def user_id(self) -> UUID:
        user_id: UUID = self.identity.user.pk
        return user_id


class Subscription:
    """One socket in one conversation."""

    __slots__ = ("connection", "cursor", "joined", "page", "room", "stalled")

    def __init__(self, connection: Connection, room: "Room") -> None:
        self.connection = connection
        self.room = room
        self.cursor = Cursor()
        self.joined = 0  # the first event of the reader's stay
        self.stalled = False  # cannot go on in this round of reading
        self.page = limits.PAGE  # events worth reading for it at a time

    @property
    def left(self) -> bool:
        """Whether it has ended; nothing is written to it any more."""
        return self not in self.room.subscriptions

    @property
    def slow(self) -> bool:
        """Whether a replay waits for its reader."""
        return self.page < limits.PAGE and self.connection.outbox.clogged

    def slow_down(self) -> None:
        """Sit out this round of reading, and take little at a time in the next ones."""
        self.stalled = True
        self.page = limits.SLOW_PAGE

    def offer(self, event: Rendered) -> Step:
        """Write *event* if it is the next one; the end of the reader's own stay is the last one."""
        step = self.cursor.step(event.seq)
        if step is not Step.WRITE:
            return step
        connection = self.connection
        if event.about is not None and event.about < self.joined:
            wire = event.bare
        elif connection.form not in event.forms:
            return Step.READ
        else:
            wire = event.forms[connection.form]
        if wire is None:
            return Step.HOLD
        self.cursor.position = event.seq
        connection.outbox.write(wire)
        if event.removed is not None and event.removed == connection.user_id:
            self.room.leave(self)
        return Step.WRITE

    def take(self, event: Rendered, stays: Stays) -> None:
        """Write *event* out of a page that was read, unless it must wait or is not theirs."""
        if self.stalled or self.left or self.cursor.step(event.seq) is Step.DROP:
            return
        user_id = self.connection.user_id
        if self.connection.outbox.clogged:
            self.slow_down()
        elif event.removed != user_id and not present(stays.get(user_id, ()), event.seq):
            self.room.leave(self)
        elif self.offer(event) is not Step.WRITE:
            self.stalled = True


def present(stays: Iterable[tuple[int, int | None]], seq: int) -> bool:
    """Whether event *seq* falls into one of *stays*."""
    return any(joined <= seq and (left is None or seq < left) for joined, left in stays)


class Room:
    """One conversation as far as this process is concerned; *on_leave* is told who has left it."""

    def __init__(self, conversation_id: UUID, on_leave: Callable[[Subscription], None]) -> None:
        self.conversation_id = conversation_id
        self.subscriptions: dict[Subscription, None] = {}  # in the order of joining
        self.head = 0  # the highest event known of
        self.hinted = 0  # the highest event that a hint has been dealt with for
        self.asked = asyncio.Event()  # there may be more to read than has been
        self._on_leave = on_leave

    def join(self, connection: Connection) -> Subscription:
        subscription = Subscription(connection, self)
        self.subscriptions[subscription] = None
        connection.subscriptions[self.conversation_id] = subscription
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """End *subscription* at once; the channel layer follows."""
        if not subscription.left:
            del self.subscriptions[subscription]
            del subscription.connection.subscriptions[self.conversation_id]
            self._on_leave(subscription)

    def forms_behind(self, seq: int) -> set[Form]:
        """The forms wanted by those who have not had event *seq*."""
        return {
            subscription.connection.form
            for subscription in self.subscriptions
            if subscription.cursor.step(seq) is not Step.DROP
        }

    @property
    def lags(self) -> bool:
        """Whether somebody has not had what was hinted at, and not for being slow to read."""
        return any(
            each.cursor.step(self.hinted) is not Step.DROP and not each.slow
            for each in self.subscriptions
        )

    def ready(self) -> list[Subscription]:
        """Those who can be written the next events now."""
        ready = []
        for each in self.subscriptions:
            if each.cursor.position is None or each.stalled:
                continue
            if each.connection.outbox.clogged:
                each.slow_down()
            else:
                ready.append(each)
        return ready
