"""The rule of cursors: hints may be dropped, doubled and reordered; what is written may not."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.realtime import limits
from messaging.realtime.cursor import Cursor, Step, start
from messaging.realtime.dispatcher import Dispatcher
from messaging.realtime.reader import Reader
from tests.messaging.realtime.fakes import Log, ear


def test_a_cursor_lets_only_the_next_event_through() -> None:
    cursor = Cursor()
    cursor.position = 4

    assert [cursor.step(seq) for seq in (3, 4, 5, 6)] == [
        Step.DROP,
        Step.DROP,
        Step.WRITE,
        Step.READ,
    ]


def test_nothing_is_written_before_a_cursor_has_its_start() -> None:
    assert Cursor().step(1) is Step.DROP


@pytest.mark.parametrize(
    ("since", "head", "joined", "begins"),
    [
        (None, 10, 0, (10, False)),
        (4, 10, 0, (4, False)),
        (0, 1_000, 0, (0, False)),
        (0, 1_001, 0, (1_001, True)),
        (0, 5_000, 4_900, (4_899, False)),
        (11, 10, 0, (10, True)),
        (0, 0, 0, (0, False)),
        (2**63 - 1, 10, 0, (10, True)),
    ],
)
def test_a_subscription_begins_where_the_client_left_off_or_at_the_head(
    since: int | None, head: int, joined: int, begins: tuple[int, bool]
) -> None:
    assert start(since, head, joined, 1_000) == begins


ACTIONS = st.one_of(
    st.tuples(st.just("append"), st.booleans()),
    st.tuples(st.just("hints"), st.lists(st.integers(1, 40), min_size=1, max_size=6)),
    st.tuples(st.just("promote"), st.integers(0, 40)),
    st.tuples(st.just("ask"), st.none()),
    st.tuples(st.just("join"), st.tuples(st.integers(0, 40), st.sampled_from(["open", "sealed"]))),
    st.tuples(st.just("fail"), st.integers(1, 2)),
    st.tuples(st.just("run"), st.integers(1, 6)),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(ACTIONS, max_size=60), st.integers(1, 5))
def test_hints_in_any_disorder_never_make_a_gap_or_a_double(
    actions: list[tuple[str, Any]], page: int
) -> None:
    asyncio.run(Scenario(page).play(actions))


class Scenario:
    """A room whose hints, readings and failures come in the order that a test wants."""

    def __init__(self, page: int) -> None:
        self.log = Log()
        self.log.page = page
        self.starts = {self.log.join(0, "open"): 0, self.log.join(0, "sealed"): 0}

    async def play(self, actions: list[tuple[str, Any]]) -> None:
        retry, limits.RETRY = limits.RETRY, 0.0
        reader = Reader(self.log.read_page)
        dispatcher = Dispatcher(reader, self.log.render)
        running = asyncio.create_task(dispatcher.run())
        try:
            for name, value in actions:
                await self.act(reader, dispatcher, name, value)
                self.check()
            await self.finish(reader)
        finally:
            limits.RETRY = retry
            running.cancel()
            reader.stop()

    async def act(self, reader: Reader, dispatcher: Dispatcher, name: str, value: Any) -> None:
        log = self.log
        if name == "append":
            log.append(promoted=value)
        elif name == "hints":
            for seq in value:
                if seq <= log.head:
                    dispatcher.put(log.news(seq))
        elif name == "promote":
            log.unpromoted.discard(value)
        elif name == "ask":
            reader.ask(log.room)
        elif name == "join":
            at = min(value[0], log.head)
            self.starts[log.join(at, value[1])] = at
        elif name == "fail":
            log.down = value
        for _ in range(value if name == "run" else 0):
            await asyncio.sleep(0)

    def check(self) -> None:
        for subscription, at in self.starts.items():
            seqs = ear(subscription).seqs
            assert seqs == list(range(at + 1, at + 1 + len(seqs)))

    async def finish(self, reader: Reader) -> None:
        """What the look at the heads does, after which nobody lacks anything."""
        self.log.unpromoted.clear()
        self.log.down = 0
        reader.ask(self.log.room)
        async with asyncio.timeout(5):
            while reader.busy:
                await asyncio.sleep(0)
        for subscription, at in self.starts.items():
            assert ear(subscription).seqs == list(range(at + 1, self.log.head + 1))
