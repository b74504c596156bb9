"""Rooms: who is written what, and who nothing more."""

import asyncio

import pytest

from messaging.realtime import limits
from messaging.realtime.dispatcher import Dispatcher
from messaging.realtime.reader import Reader
from tests.messaging.realtime.fakes import Log, ear, settle

pytestmark = pytest.mark.asyncio


@pytest.fixture
def log() -> Log:
    return Log()


def dispatching(log: Log) -> tuple[Dispatcher, Reader, "asyncio.Task[None]"]:
    reader = Reader(log.read_page)
    dispatcher = Dispatcher(reader, log.render)
    return dispatcher, reader, asyncio.create_task(dispatcher.run())


@pytest.mark.req("S85")
async def test_hints_that_wait_together_are_rendered_together(log: Log) -> None:
    rendered: list[int] = []

    async def render(news):  # type: ignore[no-untyped-def]
        rendered.append(len(news))
        await asyncio.sleep(0.01)
        return await log.render(news)

    one = log.join()
    dispatcher = Dispatcher(Reader(log.read_page), render)
    running = asyncio.create_task(dispatcher.run())
    for _ in range(5):
        dispatcher.put(log.news(log.append()))
        await asyncio.sleep(0.002)
    await asyncio.sleep(0.05)
    running.cancel()

    assert ear(one).seqs == [1, 2, 3, 4, 5]
    assert len(rendered) < 5
    assert log.reads == 0


async def test_who_has_had_an_event_costs_no_rendering(log: Log) -> None:
    log.append()
    log.join(start=1)
    dispatcher, _, running = dispatching(log)
    log.down = 1

    dispatcher.put(log.news(1))
    await settle()
    running.cancel()

    assert log.down == 1


async def test_one_reading_serves_all_who_lag(log: Log) -> None:
    for _ in range(10):
        log.append()
    readers = [log.join(start) for start in (0, 3, 9, 10)]

    Reader(log.read_page).ask(log.room)
    await settle()

    assert [ear(one).seqs for one in readers] == [
        list(range(1, 11)),
        list(range(4, 11)),
        [10],
        [],
    ]
    assert log.reads == 1


async def test_a_sealed_reader_stops_before_what_is_not_promoted_yet(log: Log) -> None:
    sealed, opened = log.join(form="sealed"), log.join(form="open")
    dispatcher, _, running = dispatching(log)
    log.append()
    log.append(promoted=False)
    log.append()
    for seq in (1, 2, 3):
        dispatcher.put(log.news(seq))
    await settle()
    assert ear(sealed).seqs == [1]
    assert ear(opened).seqs == [1, 2, 3]

    log.unpromoted.clear()
    dispatcher.put(log.news(2))
    await settle()
    running.cancel()

    assert ear(sealed).seqs == [1, 2, 3]
    assert ear(opened).seqs == [1, 2, 3]


async def test_a_removed_reader_gets_the_news_and_nothing_more(log: Log) -> None:
    gone, stays = log.join(), log.join()
    dispatcher, _, running = dispatching(log)
    log.append()
    log.append(removes=gone.connection.user_id)
    log.append()

    for seq in (1, 2, 3):
        dispatcher.put(log.news(seq))
    await settle()
    running.cancel()

    assert ear(gone).seqs == [1, 2]
    assert ear(stays).seqs == [1, 2, 3]
    assert log.left == [gone]
    assert gone.connection.subscriptions == {}


async def test_a_lost_hint_of_a_removal_shows_nothing_of_what_came_after(log: Log) -> None:
    gone = log.join()
    dispatcher, _, running = dispatching(log)
    log.append(removes=gone.connection.user_id)
    log.append()

    dispatcher.put(log.news(2))
    await settle()
    running.cancel()

    assert ear(gone).seqs == [1]
    assert gone.left


async def test_a_reading_shows_nothing_outside_of_the_readers_stay(log: Log) -> None:
    gone = log.join()
    for _ in range(4):
        log.append()
    log.stays[gone.connection.user_id] = [(0, 3)]

    Reader(log.read_page).ask(log.room)
    await settle()

    assert ear(gone).seqs == [1, 2]
    assert gone.left


async def test_a_replay_waits_for_a_reader_that_is_slow(log: Log) -> None:
    slow, quick = log.join(), log.join()
    for _ in range(3):
        log.append()
    ear(slow).full = limits.PACE + 1
    reader = Reader(log.read_page)

    reader.ask(log.room)
    await settle()
    assert (ear(slow).seqs, ear(quick).seqs) == ([], [1, 2, 3])

    reads = log.reads
    await asyncio.sleep(3 * limits.CLOGGED)
    assert log.reads == reads

    ear(slow).full = 0
    await asyncio.sleep(2 * limits.CLOGGED)
    assert ear(slow).seqs == [1, 2, 3]
    assert not reader.busy


async def test_a_reader_who_is_slow_to_read_does_not_hold_up_the_gaps_of_others(log: Log) -> None:
    slow, quick = log.join(), log.join()
    dispatcher, reader, running = dispatching(log)
    ear(slow).full = limits.PACE + 1
    log.append()
    reader.ask(log.room)
    await settle()

    log.append()
    dispatcher.put(log.news(log.append()))
    await settle()
    running.cancel()

    assert ear(quick).seqs == [1, 2, 3]
    assert reader.busy
    log.room.leave(slow)
    await asyncio.sleep(2 * limits.CLOGGED)
    assert not reader.busy


async def test_a_reader_above_the_bound_is_cut_and_others_go_on(log: Log) -> None:
    slow, quick = log.join(), log.join()
    dispatcher, _, running = dispatching(log)
    ear(slow).full = limits.OUTBOX + 1

    for _ in range(3):
        dispatcher.put(log.news(log.append()))
    await settle()
    running.cancel()

    assert ear(slow).was_cut
    assert ear(slow).seqs == []
    assert ear(quick).seqs == [1, 2, 3]


async def test_a_reading_that_fails_is_tried_again(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RETRY", 0.01)
    one = log.join()
    dispatcher, reader, running = dispatching(log)
    log.down = 3

    dispatcher.put(log.news(log.append()))
    await asyncio.sleep(0.1)
    running.cancel()

    assert ear(one).seqs == [1]
    assert not reader.busy


async def test_a_room_that_everybody_left_is_not_read_for_ever(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RETRY", 0.001)
    one = log.join()
    log.append()
    log.down = 10**9
    reader = Reader(log.read_page)
    reader.ask(log.room)
    await asyncio.sleep(0.01)

    log.room.leave(one)
    await asyncio.sleep(0.01)

    assert not reader.busy
