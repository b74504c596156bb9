"""Channel layers for tests, and sinks that remember."""

import asyncio
from typing import Any

from messaging.realtime.layer import EventLayer

KEY = "0123456789abcdef0123456789abcdef"


class Ear:
    """A sink that remembers what it heard."""

    def __init__(self, broken: bool = False) -> None:
        self.heard: list[Any] = []
        self.ready: list[str] = []
        self.broken = broken

    def deliver(self, group: str, message: dict[str, Any]) -> None:
        if self.broken:
            raise RuntimeError("this sink always fails")
        self.heard.append((group, message["n"]))

    def group_ready(self, group: str) -> None:
        self.ready.append(group)


def layer_at(*urls: str) -> EventLayer:
    return EventLayer(hosts=list(urls), prefix="t", symmetric_encryption_keys=[KEY])


async def until(fact: Any, seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not fact():
            await asyncio.sleep(0.005)


def frame(n: int) -> dict[str, Any]:
    return {"type": "event.frame", "n": n}


async def join(layer: EventLayer, group: str, ear: Ear) -> str:
    channel: str = await layer.new_channel()
    layer.attach(channel, ear)
    await layer.group_add(group, channel)
    await until(lambda: group in ear.ready)
    return channel
