"""The fast way of an event: hints that have come, rendered together, written to whoever is next.

One coroutine takes all hints that wait; what is not in them is fetched in one call, so batches
grow by themselves while the database is slow and are one hint while it is quiet.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from messaging.events import Hint
from messaging.realtime import limits
from messaging.realtime.reader import Reader
from messaging.realtime.rooms import Form, Rendered, Room

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class News:
    """A hint about event *seq* of *room*, and the forms in which somebody there wants it."""

    room: Room
    seq: int
    hint: Hint
    forms: frozenset[Form] = frozenset()


Render = Callable[[Sequence[News]], Awaitable[Sequence[Rendered]]]


class Dispatcher:
    """Writes hints, made into events by *render*; whoever misses one is left to *reader*."""

    def __init__(self, reader: Reader, render: Render) -> None:
        self._reader = reader
        self._render = render
        self._waiting: list[News] = []
        self._wake = asyncio.Event()

    def put(self, news: News) -> None:
        """Take note of *news*; it is written soon."""
        if len(self._waiting) >= limits.HINTS:  # while the database hangs: remember less of it
            self._reader.ask(news.room)
            return
        self._waiting.append(news)
        self._wake.set()

    async def run(self) -> None:
        """Write hints for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            waiting, self._waiting = self._waiting, []
            try:
                await self._write(wanted(waiting))
            except Exception as error:
                log.warning("%d hints could not be written: %s", len(waiting), type(error).__name__)
                for room in {each.room for each in waiting}:
                    self._reader.ask(room)

    async def _write(self, news: Sequence[News]) -> None:
        if not news:
            return
        loop = asyncio.get_running_loop()
        turn = loop.time()
        for each, event in zip(news, await self._render(news), strict=True):
            each.room.hinted = max(each.room.hinted, each.seq)
            for subscription in tuple(each.room.subscriptions):
                subscription.offer(event)
            if loop.time() - turn > limits.TURN:
                await asyncio.sleep(0)
                turn = loop.time()
        for room in {each.room for each in news}:
            if room.lags:
                self._reader.ask(room)


def wanted(waiting: Iterable[News]) -> list[News]:
    """What somebody has not had yet, by number, once each: by the hint that carries its frame."""
    best: dict[tuple[Room, int], News] = {}
    for news in waiting:
        key = (news.room, news.seq)
        if key not in best or best[key].hint.frame is None:
            best[key] = news
    return [
        News(news.room, news.seq, news.hint, forms)
        for news in sorted(best.values(), key=lambda news: news.seq)
        if (forms := frozenset(news.room.forms_behind(news.seq)))
    ]
