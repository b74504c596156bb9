"""Catching up from PostgreSQL: one reading per conversation at a time, shared by all who lag.

Asked after a gap, when a group becomes live, on subscribing and when the heads are looked at. It
reads from the one who is furthest behind, in pages; for the others the cursor drops what they have.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from messaging.realtime import limits
from messaging.realtime.rooms import Form, Rendered, Room, Stays, Subscription

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Page:
    """Events in order, and who was in the conversation when."""

    events: list[Rendered]
    stays: Stays
    full: bool  # there may be more


ReadPage = Callable[[UUID, int, Collection[UUID], Collection[Form], int], Awaitable[Page]]


class Reader:
    """Brings rooms up to date through *read_page*."""

    def __init__(self, read_page: ReadPage) -> None:
        self._read_page = read_page
        self._tasks: dict[Room, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(limits.READS)

    @property
    def busy(self) -> bool:
        """Whether any room is being read."""
        return bool(self._tasks)

    def ask(self, room: Room) -> None:
        """See to it that *room* is read from now, after whatever reading is going on."""
        room.asked.set()
        if room not in self._tasks:
            self._tasks[room] = asyncio.create_task(self._catch_up(room))

    def stop(self) -> None:
        """End every reading."""
        for task in tuple(self._tasks.values()):
            task.cancel()

    async def _catch_up(self, room: Room) -> None:
        try:
            while room.asked.is_set():
                room.asked.clear()
                for subscription in room.subscriptions:
                    subscription.stalled = False
                await self._read_or_retry(room)
                await wait_for_slow(room)
        finally:
            del self._tasks[room]

    async def _read_or_retry(self, room: Room) -> None:
        try:
            await self._read(room)
        except Exception as error:
            log.warning("Events could not be read: %s", type(error).__name__)
            await asyncio.sleep(limits.RETRY)
            if room.subscriptions:
                room.asked.set()

    async def _read(self, room: Room) -> None:
        full, ready = True, list[Subscription]()
        while full and (ready := room.ready()):
            async with self._turns:
                page = await self._read_page(
                    room.conversation_id,
                    min(each.cursor.position or 0 for each in ready),
                    {each.connection.user_id for each in ready},
                    {each.connection.form for each in ready},
                    max(each.page for each in ready),
                )
            await write_page(page, ready)
            full = page.full
        for subscription in ready:
            if not subscription.stalled:
                subscription.page = limits.PAGE


async def wait_for_slow(room: Room) -> None:
    """Come back when a replay can go on, or there is something else to read."""
    while slow := [each for each in room.subscriptions if each.slow]:
        with suppress(TimeoutError):
            await asyncio.wait_for(room.asked.wait(), limits.CLOGGED)
            return
        if not all(each.slow for each in slow):
            room.asked.set()


async def write_page(page: Page, ready: list[Subscription]) -> None:
    """Write *page* to everybody in *ready* who can take it, letting others run in between."""
    loop = asyncio.get_running_loop()
    turn = loop.time()
    for event in page.events:
        for subscription in ready:
            subscription.take(event, page.stays)
        if loop.time() - turn > limits.TURN:
            await asyncio.sleep(0)
            turn = loop.time()
