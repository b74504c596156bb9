"""What happens to sockets by the clock: pings with heads, tokens that end, a look at PostgreSQL.

The look at the heads is one query for all conversations of the process. It alone finds a hint that
was lost and had no successor, and it bounds for how long an ended session keeps its socket.
"""

import asyncio
import logging
import random
import time
from collections.abc import Mapping
from uuid import UUID

from messaging.errors import AccountDisabled, TokenExpired
from messaging.realtime import limits, pages
from messaging.realtime.closing import Close
from messaging.realtime.frames import Heartbeat
from messaging.realtime.reader import Reader
from messaging.realtime.refusals import end, refuse
from messaging.realtime.rooms import Connection, Room
from messaging.realtime.threads import call
from messaging.realtime.wire import Wire

log = logging.getLogger(__name__)

TICK = 1.0  # seconds


class Clock:
    """Looks after *rooms* and *connections* every second, and at the database every 15."""

    def __init__(
        self, rooms: Mapping[UUID, Room], connections: Mapping[str, Connection], reader: Reader
    ) -> None:
        self._rooms = rooms
        self._connections = connections
        self._reader = reader
        self._poll: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Tick for ever."""
        poll_at = time.time() + limits.POLL * random.random()  # processes do not look together
        while True:
            await asyncio.sleep(min(TICK, limits.POLL))
            now = time.time()
            try:
                self.tick(now)
            except Exception as error:  # the clock of all sockets does not stop for one
                log.error("A tick failed: %s", type(error).__name__)
            if now >= poll_at and (self._poll is None or self._poll.done()):
                poll_at = now + limits.POLL
                self._poll = asyncio.create_task(self.poll())

    def tick(self, now: float) -> None:
        """Ping whose turn it is; close whose token has ended."""
        for connection in tuple(self._connections.values()):
            if now >= connection.identity.expires_at.timestamp():
                refuse(connection.outbox, TokenExpired())
            elif now >= connection.ping_at:
                connection.ping_at = now + limits.HEARTBEAT
                connection.outbox.signal(Wire(Heartbeat(heads(connection))))

    async def poll(self) -> None:
        """Have whoever is behind read, and close the sockets of sessions that ended."""
        sessions = {each.identity.session_id for each in self._connections.values()}
        try:
            known, ended = await call(pages.look, list(self._rooms), sessions)
        except Exception as error:
            log.warning("The heads could not be read: %s", type(error).__name__)
            return
        for conversation_id, head in known.items():
            if room := self._rooms.get(conversation_id):
                room.head = max(room.head, head)
                if room.forms_behind(room.head):
                    self._reader.ask(room)
        for connection in tuple(self._connections.values()):
            if reason := ended.get(connection.identity.session_id):
                disabled = isinstance(reason, AccountDisabled)
                end(connection.outbox, reason, Close.DISABLED if disabled else Close.REVOKED)


def heads(connection: Connection) -> dict[UUID, int]:
    """The newest event known of in each conversation that *connection* follows."""
    return {key: each.room.head for key, each in connection.subscriptions.items()}
