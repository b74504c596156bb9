"""EventLayer: conversation groups on channels-redis, made fast and able to say when they are live.

Everything that a Channels layer does, it does as the stock one. Two things are new. A message of
type `event.frame` goes to the sinks attached to a group's channels, decoded once per process, past
queue and dispatch. And a sink is told when Redis has confirmed a group's subscription, first or
after a reconnect: whatever was published before may have been missed, so that is when to read.
"""

import asyncio
import logging
import traceback
import uuid
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from channels_redis.pubsub import RedisPubSubChannelLayer, RedisPubSubLoopLayer
from channels_redis.utils import _wrap_close, decode_hosts

from messaging.realtime.publisher import Publisher
from messaging.realtime.shard import Shard

log = logging.getLogger(__name__)

FRAME = "event.frame"  # the message type that goes to sinks


class Sink(Protocol):
    """What hears of groups on behalf of attached channels; neither method may block."""

    def deliver(self, group: str, message: dict[str, Any]) -> None:
        """A message of type event.frame, once for all of the sink's channels in *group*."""

    def group_ready(self, group: str) -> None:
        """Redis has confirmed *group*: from here on its messages arrive."""


class EventLayer(RedisPubSubChannelLayer):  # type: ignore[misc]
    """The project's channel layer (CHANNEL_LAYERS); one set of tables per event loop."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prefix = self._kwargs.get("prefix", "asgi")
        self._publisher = Publisher(decode_hosts(self._kwargs.get("hosts")))

    def publish(self, items: Iterable[tuple[str, dict[str, Any]]]) -> int:
        """Send each (group, message) from sync code; how many Redis has taken. Never raises."""
        rows = []
        for group, message in items:
            try:
                rows.append((f"{self._prefix}__group__{group}", self.serialize(message)))
            except (TypeError, ValueError, OverflowError) as error:
                log.error("A hint cannot be serialized: %s", type(error).__name__)
        return self._publisher.publish(rows)

    def attach(self, channel: str, sink: Sink) -> None:
        """Give the event frames of *channel*'s groups to *sink*."""
        self._get_layer().attach(channel, sink)

    async def detach(self, channel: str) -> None:
        """Forget *channel*, its sink and every group that it is in."""
        await self._get_layer().detach(channel)

    def _get_layer(self) -> "LoopLayer":
        loop = asyncio.get_running_loop()
        if loop not in self._layers:
            self._layers[loop] = LoopLayer(*self._args, **self._kwargs, channel_layer=self)
            _wrap_close(self, loop)
        layer: LoopLayer = self._layers[loop]
        return layer


class LoopLayer(RedisPubSubLoopLayer):  # type: ignore[misc]
    """The tables of one event loop, and the shards that subscribe to what stands in them."""

    def __init__(self, hosts: Any = None, **kwargs: Any) -> None:
        super().__init__(hosts=hosts, **kwargs)
        self._shards = [Shard(host, self) for host in decode_hosts(hosts)]
        # The sockets' own channels are one pattern per process, not a subscription each.
        self._own = f"{self.prefix}specific.{uuid.uuid4().hex}."
        self._forget()

    def _forget(self) -> None:
        self.sinks: dict[str, Sink] = {}
        self.joined: dict[str, set[str]] = {}  # channel -> groups
        self.live: set[str] = set()  # names of groups that Redis has confirmed

    def attach(self, channel: str, sink: Sink) -> None:
        self.sinks[channel] = sink

    async def detach(self, channel: str) -> None:
        self.sinks.pop(channel, None)
        self.channels.pop(channel, None)
        for group in self.joined.pop(channel, set()):
            await self.group_discard(group, channel)

    async def new_channel(self, prefix: str = "specific.") -> str:
        channel = f"{self._own}{uuid.uuid4().hex}"
        self.channels[channel] = asyncio.Queue()
        for shard in self._shards:
            await shard.subscribe(f"{self._own}*")
        return channel

    async def group_add(self, group: str, channel: str) -> None:
        await super().group_add(group, channel)
        self.joined.setdefault(channel, set()).add(group)
        if self._get_group_channel_name(group) in self.live and channel in self.sinks:
            guarded(self.sinks[channel].group_ready, group)

    async def group_discard(self, group: str, channel: str) -> None:
        self.joined.get(channel, set()).discard(group)
        await super().group_discard(group, channel)
        if (name := self._get_group_channel_name(group)) not in self.groups:
            self.live.discard(name)

    async def flush(self) -> None:
        self._forget()
        await super().flush()

    # What a shard asks and tells

    def wants(self, name: str) -> bool:
        """Whether this process should be subscribed to *name*."""
        return (
            name == f"{self._own}*"
            or name in self.groups
            or (name in self.channels and not name.startswith(self._own))
        )

    def names(self, shard: Shard) -> list[str]:
        """Everything in the tables that *shard* carries."""
        every = (*self.groups, *self.channels)
        return [f"{self._own}*", *(name for name in every if self._get_shard(name) is shard)]

    def confirmed(self, name: str) -> None:
        """Redis has confirmed the subscription to *name*."""
        if name in self.groups:
            self.live.add(name)
            group = name.split("__group__", 1)[1]
            for sink in self._sinks_of(name):
                guarded(sink.group_ready, group)

    def fan_out(self, name: str, data: bytes) -> bool:
        """Whether the message was an event frame with somebody attached to hear it."""
        sinks = self._sinks_of(name)
        if not sinks:
            return False
        message = self.channel_layer.deserialize(data)
        if message.get("type") != FRAME:
            return False
        group = name.split("__group__", 1)[1]
        for sink in sinks:
            guarded(sink.deliver, group, message)
        for channel in self.groups[name]:
            if channel not in self.sinks and channel in self.channels:
                self.channels[channel].put_nowait(data)
        return True

    def _sinks_of(self, name: str) -> set[Sink]:
        sinks = self.sinks
        return {sinks[channel] for channel in self.groups.get(name, ()) if channel in sinks}


def guarded(call: Callable[..., None], *args: Any) -> None:
    """Call a sink; what it raises is its own trouble and nobody else's."""
    try:
        call(*args)
    except Exception as error:  # its text may hold what it failed on
        where = "".join(traceback.format_tb(error.__traceback__))
        log.error("A sink failed: %s\n%s", type(error).__name__, where)
