"""The channel layer while Redis is away, and after."""

import asyncio
import time
from typing import Any

import pytest

from messaging.realtime.layer import EventLayer
from tests.messaging.realtime.layers import Ear, frame, join, until
from tests.messaging.realtime.valkey import MortalValkey

pytestmark = [pytest.mark.asyncio, pytest.mark.faults]


async def test_groups_are_confirmed_again_after_redis_was_away(
    layer: EventLayer, valkey: MortalValkey
) -> None:
    ear = Ear()
    await join(layer, "before", ear)

    valkey.kill()
    await until(lambda: layer._get_layer()._shards[0].away)
    channel = await layer.new_channel()
    layer.attach(channel, ear)
    async with asyncio.timeout(1):
        await layer.group_add("meanwhile", channel)
    await asyncio.to_thread(valkey.start)

    await until(lambda: ear.ready.count("before") == 2 and "meanwhile" in ear.ready)
    await asyncio.to_thread(layer.publish, [("before", frame(1)), ("meanwhile", frame(2))])
    await until(lambda: len(ear.heard) == 2)


async def test_a_group_left_while_redis_was_away_stays_left(
    layer: EventLayer, valkey: MortalValkey
) -> None:
    ear = Ear()
    gone = await join(layer, "gone", ear)
    await join(layer, "kept", ear)

    valkey.kill()
    await until(lambda: layer._get_layer()._shards[0].away)
    await layer.detach(gone)
    await asyncio.to_thread(valkey.start)
    await until(lambda: ear.ready.count("kept") == 2)

    await until(lambda: "t__group__gone" not in layer._get_layer()._shards[0]._subscribed_to)


async def test_publishing_without_redis_is_quick_and_does_not_raise(
    layer: EventLayer, valkey: MortalValkey
) -> None:
    valkey.kill()
    loop = asyncio.get_running_loop()

    began = loop.time()
    counts = [
        await asyncio.to_thread(layer.publish, [("room", frame(number))]) for number in range(50)
    ]

    assert counts == [0] * 50
    assert loop.time() - began < 1.5


async def test_what_is_missed_while_redis_is_away_is_known_to_be_missed(
    layer: EventLayer, valkey: MortalValkey
) -> None:
    """A publisher with a numbered log and a reader with a cursor end up equal."""
    log: list[int] = []
    reader = Reader(log)
    channel = await layer.new_channel()
    layer.attach(channel, reader)
    await layer.group_add("room", channel)

    async def write(count: int) -> None:
        for _ in range(count):
            log.append(len(log) + 1)
            await asyncio.to_thread(layer.publish, [("room", frame(log[-1]))])
            await asyncio.sleep(0.005)

    await write(50)
    valkey.kill()
    restart = asyncio.create_task(asyncio.to_thread(later, valkey))
    await write(200)
    await restart
    await asyncio.sleep(1.1)  # the publisher's pause after a failure
    await write(50)

    await until(lambda: reader.applied == log)
    assert reader.hints < len(log)
    assert reader.read > 0


class Reader:
    """Applies the next number, drops an old one, and reads the log at a gap or when ready."""

    def __init__(self, log: list[int]) -> None:
        self.log, self.applied = log, list[int]()
        self.hints = self.read = 0

    def deliver(self, group: str, message: dict[str, Any]) -> None:
        self.hints += 1
        if message["n"] > len(self.applied) + 1:
            self.group_ready(group)
        elif message["n"] == len(self.applied) + 1:
            self.applied.append(message["n"])

    def group_ready(self, group: str) -> None:
        missing = self.log[len(self.applied) :]
        self.read += len(missing)
        self.applied.extend(missing)


def later(valkey: MortalValkey) -> None:
    time.sleep(1.5)
    valkey.start()
