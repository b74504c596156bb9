"""One Redis connection of the channel layer: it repairs itself and says when a group is live."""

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from typing import Any

import redis
from channels_redis.pubsub import RedisSingleShardConnection
from channels_redis.utils import create_pool
from redis import asyncio as aioredis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

log = logging.getLogger(__name__)

TURN = 0.005  # seconds of reading before the event loop gets a turn
QUIET = 5.0  # seconds without a word from Redis before it is asked for one
DEAF = 12.0  # seconds without a word before the connection counts as lost
PAUSE = 0.2  # seconds between two attempts to reconnect


class Shard(RedisSingleShardConnection):  # type: ignore[misc]
    """Keeps its subscriptions equal to the layer's tables, whatever happens to the connection.

    While *away*, nothing waits for Redis: joining changes the tables and the receiver catches up.
    """

    def __init__(self, host: dict[str, Any], layer: Any) -> None:
        super().__init__(host, layer)
        self._redis: Any = None
        self._pubsub: Any = None
        self.away = False
        self._heard = 0.0

    async def subscribe(self, name: str) -> None:
        if self.away:
            return
        async with self._lock:
            self._ensure_redis()
            self._ensure_receiver()
            await self._reconcile([name])

    unsubscribe = subscribe  # both say: look at the tables

    async def flush(self) -> None:
        await super().flush()
        self.away = False

    def _ensure_redis(self) -> None:
        if self._redis is None:
            # redis-py would wait up to 10 s between attempts; the receiver repairs sooner.
            pool = create_pool({**self.host, "retry": Retry(NoBackoff(), 0)})
            self._redis = aioredis.Redis(connection_pool=pool)
            self._pubsub = self._redis.pubsub()

    async def _reconcile(self, names: Iterable[str]) -> None:
        for name in names:
            if self.away:
                return
            try:
                await self._settle(name)
            except (redis.RedisError, OSError):
                self.away = True

    async def _settle(self, name: str) -> None:
        wanted = self.channel_layer.wants(name)
        if wanted and name not in self._subscribed_to:
            subscribe = self._pubsub.psubscribe if name.endswith("*") else self._pubsub.subscribe
            await subscribe(name)
            self._subscribed_to.add(name)
        elif not wanted and name in self._subscribed_to:
            await self._pubsub.unsubscribe(name)
            self._subscribed_to.remove(name)

    async def _repair(self) -> None:
        """Connect again: redis-py repeats its subscriptions, and Redis confirms each of them."""
        async with self._lock:
            await self._pubsub.connect()
            self._heard = asyncio.get_running_loop().time()
            # Before the tables are read: who joins from now on waits for the lock.
            self.away = False
            await self._reconcile([*self.channel_layer.names(self), *self._subscribed_to])

    async def _do_receiving(self) -> None:
        loop = asyncio.get_running_loop()
        turn = self._heard = loop.time()
        while True:
            try:
                if self.away:
                    await self._repair()
                else:
                    await self._receive_one(loop.time())
                if loop.time() - turn > TURN:
                    await asyncio.sleep(0)  # redis-py does not yield while its buffer is full
                    turn = loop.time()
            except Exception as error:
                if not self.away:
                    log.warning("Redis subscription lost: %s", type(error).__name__)
                self.away = True
                await self._drop()
                await asyncio.sleep(PAUSE)

    async def _receive_one(self, now: float) -> None:
        if not self._pubsub.subscribed:
            self._heard = now
            await asyncio.sleep(0.05)
            return
        if message := await self._pubsub.get_message(timeout=1.0):
            self._heard = now
            self._receive_message(message)
        elif now - self._heard > DEAF:
            raise redis.ConnectionError("Redis does not answer")
        elif now - self._heard > QUIET:
            await self._pubsub.ping()

    async def _drop(self) -> None:
        with contextlib.suppress(redis.RedisError, OSError):
            if self._pubsub is not None and self._pubsub.connection is not None:
                await self._pubsub.connection.disconnect(nowait=True)

    def _receive_message(self, message: dict[str, Any]) -> None:
        try:
            if message["type"] == "subscribe":
                self.channel_layer.confirmed(message["channel"].decode())
            elif message["type"] in ("message", "pmessage"):
                name = message["channel"].decode()
                if not self.channel_layer.fan_out(name, message["data"]):
                    super()._receive_message(message)
        except Exception as error:  # one bad message must not look like a lost connection
            log.error("A group message was dropped: %s", type(error).__name__)
