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
from messaging.realtime.rooms import Form
from tests.messaging.realtime.fakes import Log, ear, settle


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
    st.tuples(st.just("append"), st.lists(st.booleans(), min_size=1, max_size=3)),
    st.tuples(st.just("hints"), st.lists(st.integers(0, 5), min_size=1, max_size=6)),
    st.tuples(st.just("promote"), st.integers(0, 5)),
    st.tuples(st.just("ask"), st.none()),
    st.tuples(st.just("clog"), st.tuples(st.integers(0, 3), st.booleans())),
    st.tuples(st.just("join"), st.tuples(st.integers(0, 5), st.sampled_from(["open", "sealed"]))),
    st.tuples(st.just("fail"), st.integers(1, 2)),
    st.tuples(st.just("run"), st.integers(1, 6)),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(ACTIONS, max_size=60), st.integers(1, 5))
def test_hints_in_any_disorder_never_make_a_gap_or_a_double(
    actions: list[tuple[str, Any]], page: int
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(limits, "RETRY", 0.0)
        patched.setattr(limits, "CLOGGED", 0.0)
        asyncio.run(Scenario(page).play(actions))


class Scenario:
    """A room whose hints, readings, failures and slow readers come in the order a test wants."""

    def __init__(self, page: int) -> None:
        self.log = Log()
        self.log.page = page
        self.starts = {self.log.join(0, "open"): 0, self.log.join(0, "sealed"): 0}

    async def play(self, actions: list[tuple[str, Any]]) -> None:
        self.reader = Reader(self.log.read_page)
        self.dispatcher = Dispatcher(self.reader, self.log.render)
        running = asyncio.create_task(self.dispatcher.run())
        try:
            for name, value in actions:
                if name == "run":
                    await settle(value)
                else:
                    getattr(self, name)(value)
                self.check()
            await self.finish()
        finally:
            running.cancel()
            self.reader.stop()

    def append(self, promoted: list[bool]) -> None:
        for each in promoted:
            self.log.append(promoted=each)

    def hints(self, ages: list[int]) -> None:
        for age in ages:
            if age < self.log.head:
                self.dispatcher.put(self.log.news(self.log.head - age))

    def promote(self, age: int) -> None:
        self.log.unpromoted.discard(self.log.head - age)

    def ask(self, _: None) -> None:
        self.reader.ask(self.log.room)

    def clog(self, value: tuple[int, bool]) -> None:
        number, full = value
        ear(list(self.starts)[number % len(self.starts)]).full = (limits.PACE + 1) * full

    def join(self, value: tuple[int, Form]) -> None:
        at = max(0, self.log.head - value[0])
        self.starts[self.log.join(at, value[1])] = at

    def fail(self, times: int) -> None:
        self.log.down = times

    def check(self) -> None:
        for subscription, at in self.starts.items():
            seqs = ear(subscription).seqs
            assert seqs == list(range(at + 1, at + 1 + len(seqs)))

    async def finish(self) -> None:
        """What the look at the heads does, after which nobody lacks anything."""
        self.log.unpromoted.clear()
        self.log.down = 0
        for subscription in self.starts:
            ear(subscription).full = 0
        self.reader.ask(self.log.room)
        async with asyncio.timeout(5):
            while self.reader.busy:
                await asyncio.sleep(0)
        for subscription, at in self.starts.items():
            assert ear(subscription).seqs == list(range(at + 1, self.log.head + 1))
