"""The hub: what one process knows of its sockets, and the sink of their conversation groups.

Hints come in from the channel layer and go to the dispatcher; whatever may have been missed goes to
the reader. Sockets enter and leave, follow conversations and stop following them.
"""

import asyncio
import logging
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from messaging import events, personal
from messaging.errors import NotFound
from messaging.events import Hint
from messaging.realtime import limits, pages
from messaging.realtime.acks import Acks
from messaging.realtime.clock import Clock
from messaging.realtime.cursor import start
from messaging.realtime.dispatcher import Dispatcher, News
from messaging.realtime.layer import EventLayer
from messaging.realtime.presence import CHANGED, OFFLINE, Presence
from messaging.realtime.reader import Reader
from messaging.realtime.rooms import Connection, Room, Subscription
from messaging.realtime.threads import call
from messaging.realtime.wire import Wire
from messaging.services import conversations

log = logging.getLogger(__name__)


class Hub:
    """All sockets of an event loop; made by `hub_of`."""

    def __init__(self, layer: EventLayer) -> None:
        self.rooms: dict[UUID, Room] = {}
        self.connections: dict[str, Connection] = {}
        self.people: dict[UUID, dict[str, Connection]] = {}  # each one's sockets in this process
        self.presence = Presence()
        self._layer = layer
        self._reader = Reader(pages.read_page)
        self._dispatcher = Dispatcher(self._reader, pages.render)
        self._clock = Clock(self.rooms, self.connections, self._reader)
        self.acks = Acks(pages.store_acks)
        self._tasks = {
            asyncio.create_task(self._dispatcher.run()),
            asyncio.create_task(self._clock.run()),
        }

    # The sink of the channel layer

    def deliver(self, group: str, message: dict[str, Any]) -> None:
        """Take a hint; a signal goes out at once, it has no place in any order."""
        if group.startswith(personal.GROUP):
            self._tell(UUID(group.removeprefix(personal.GROUP)), message["frame"])
            return
        hint = Hint.parse(message)
        room = self.rooms.get(UUID(hint.conversation_id))
        if room is None:
            return
        if hint.seq is None:
            signal = Wire(hint.frame)
            for subscription in room.subscriptions:
                if str(subscription.connection.user_id) != hint.person:
                    subscription.connection.outbox.signal(signal)
        else:
            room.head = max(room.head, hint.seq)
            self._dispatcher.put(News(room, hint.seq, hint))

    def _tell(self, user_id: UUID, frame: dict[str, Any]) -> None:
        """Give a signal to all sockets of a person; that they are gone may be news to others only."""
        sockets = list(self.people.get(user_id, {}).values())
        gone = frame["event"] == CHANGED and frame["data"].get("status") == OFFLINE
        if gone and sockets and self.presence.correct(sockets[0].identity.user):
            return
        signal = Wire(frame)
        for connection in sockets:
            connection.outbox.signal(signal)

    def group_ready(self, group: str) -> None:
        """Read what came before the subscription to *group* was confirmed."""
        if room := self.rooms.get(UUID(group.rpartition(".")[2])):
            self._reader.ask(room)

    # Sockets

    async def enter(self, connection: Connection) -> None:
        """Serve *connection* from now on, and let it hear what its person is told."""
        self.connections[connection.channel] = connection
        self.people.setdefault(connection.user_id, {})[connection.channel] = connection
        self._layer.attach(connection.channel, self)
        await self._layer.group_add(personal.group_of(connection.user_id), connection.channel)

    async def leave(self, channel: str) -> None:
        """Forget the socket of *channel*."""
        if connection := self.connections.pop(channel, None):
            self.presence.leave(connection)
            sockets = self.people[connection.user_id]
            del sockets[channel]
            if not sockets:
                del self.people[connection.user_id]
            for subscription in list(connection.subscriptions.values()):
                subscription.room.leave(subscription)
        await self._layer.detach(channel)

    async def follow(
        self, connection: Connection, conversation_id: UUID, since: int | None
    ) -> tuple[Subscription, bool]:
        """Join first, look second; the subscription, and whether the client must load by REST.

        Nothing is written before the caller has answered and says `catch_up`.
        """
        room = self.rooms.setdefault(conversation_id, Room(conversation_id, self._left))
        subscription = connection.subscriptions.get(conversation_id) or room.join(connection)
        subscription.cursor.position = None
        try:
            await self._layer.group_add(events.group_of(conversation_id), connection.channel)
            stay = await call(conversations.open_stream, connection.identity.user, conversation_id)
        except BaseException:
            room.leave(subscription)
            raise
        if subscription.left:
            raise NotFound
        room.head = max(room.head, stay.head_seq)
        subscription.joined = stay.joined_seq
        subscription.cursor.position, reset = start(
            since, stay.head_seq, stay.joined_seq, limits.REPLAY
        )
        return subscription, reset

    def catch_up(self, subscription: Subscription) -> None:
        """Write what *subscription* has not had yet, and then what comes."""
        self._reader.ask(subscription.room)

    def _left(self, subscription: Subscription) -> None:
        room, connection = subscription.room, subscription.connection
        if not room.subscriptions and self.rooms.get(room.conversation_id) is room:
            del self.rooms[room.conversation_id]
        if connection.channel in self.connections:  # else detach does it for all of its groups
            task = asyncio.create_task(self._discard(connection, room.conversation_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _discard(self, connection: Connection, conversation_id: UUID) -> None:
        if conversation_id not in connection.subscriptions:  # it may have come back meanwhile
            await self._layer.group_discard(events.group_of(conversation_id), connection.channel)

    async def stop(self) -> None:
        """End what the hub does by itself."""
        for task in tuple(self._tasks):
            task.cancel()
        self._reader.stop()
        self.presence.stop()


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub_of(layer: EventLayer) -> Hub:
    """The hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub(layer)
    return _hubs[loop]
