"""Presence: who has said that they are there, told to those who share a conversation with them.

It lives in the processes that hold the sockets and is written nowhere. Only who says `presence.set` is
shown. A person's last such socket may be replaced for some seconds before they count as gone; another
process in which they still have one hears that they went and says otherwise.
"""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from messaging import events, personal
from messaging.events import Hint, timestamp
from messaging.models import User
from messaging.realtime import limits
from messaging.realtime.rooms import Connection
from messaging.realtime.threads import call
from messaging.services import conversations

Status = Literal["online", "away"]
CHANGED, OFFLINE = "presence.changed", "offline"


class Presence:
    """What the people of this process have said of themselves."""

    def __init__(self) -> None:
        self._said: dict[UUID, dict[str, Status]] = {}  # user -> channel -> status
        self._tasks: set[asyncio.Task[None]] = set()

    def of(self, user_id: UUID) -> Status | None:
        """The best of what the sockets of *user_id* have said."""
        said = set(self._said.get(user_id, {}).values())
        return "online" if "online" in said else "away" if said else None

    def set(self, connection: Connection, status: Status) -> None:
        """Note what *connection* says, and tell of it where it changes something."""
        before = self.of(connection.user_id)
        self._said.setdefault(connection.user_id, {})[connection.channel] = status
        if (now := self.of(connection.user_id)) != before:
            self._tell(connection.identity.user, now or OFFLINE)

    def leave(self, connection: Connection) -> None:
        """Forget *connection*; its person is gone if they do not come back soon."""
        said = self._said.get(connection.user_id, {})
        if said.pop(connection.channel, None) is None:
            return
        if not said:
            del self._said[connection.user_id]
        self._start(self._look_again(connection.identity.user, datetime.now(UTC)))

    def correct(self, user: User) -> bool:
        """Whether *user*, of whom another process says that they went, is still here: say so."""
        status = self.of(user.pk)
        if status:
            self._tell(user, status)
        return status is not None

    async def _look_again(self, user: User, seen: datetime) -> None:
        await asyncio.sleep(limits.GRACE)
        if (status := self.of(user.pk)) is None:
            await call(announce, user, OFFLINE, seen)
        else:
            await call(announce, user, status, seen)

    def _tell(self, user: User, status: str) -> None:
        self._start(call(announce, user, status, datetime.now(UTC)))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # may be lost, like the signal that it was to be

    def stop(self) -> None:
        """Tell nobody any more."""
        for task in tuple(self._tasks):
            task.cancel()


def announce(user: User, status: str, seen: datetime) -> None:
    """Tell the conversations of *user*, the youngest first, and their own sockets."""
    data = {"userId": str(user.pk), "status": status, "lastSeen": timestamp(seen)}
    rooms = sorted(each.conversation_id for each in conversations.memberships(user))
    events.publish(
        [
            Hint(
                str(user.tenant_id),
                str(room),
                None,
                CHANGED,
                person=str(user.pk),
                frame={
                    "type": "signal",
                    "event": CHANGED,
                    "conversationId": str(room),
                    "data": data,
                },
            )
            for room in rooms[-limits.CONVERSATIONS :]
        ]
    )
    personal.tell([personal.Signal(person=user.pk, event=CHANGED, data=data)])
