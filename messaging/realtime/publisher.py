"""Publishing to conversation groups from sync code: one pipeline per Redis, never an error.

What is published is a hint. PostgreSQL knows what happened and every socket finds out by itself, so
a Redis that is away may cost its caller half a second, once a second, and nothing more.
"""

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

import redis
from channels_redis.utils import _consistent_hash
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

log = logging.getLogger(__name__)

TIMEOUT = 0.5  # seconds for an answer
PAUSE = 1.0  # seconds without an attempt after one that failed


class Publisher:
    """Sends serialized messages to the shards that the layer reads them from; thread-safe."""

    def __init__(self, hosts: Sequence[dict[str, Any]]) -> None:
        self._targets = [Target(host) for host in hosts]

    def publish(self, items: Iterable[tuple[str, bytes]]) -> int:
        """How many of *items*, (channel name, message), Redis has taken."""
        batches: dict[int, list[tuple[str, bytes]]] = {}
        for name, message in items:
            batches.setdefault(_consistent_hash(name, len(self._targets)), []).append(
                (name, message)
            )
        return sum(self._targets[index].publish(batch) for index, batch in batches.items())


class Target:
    """One Redis, with a breaker: after a failure it is left alone for a second."""

    def __init__(self, host: dict[str, Any]) -> None:
        self._host = host
        self._client: redis.Redis | None = None
        self._lock = threading.Lock()
        self._closed_until = 0.0

    def publish(self, batch: list[tuple[str, bytes]]) -> int:
        if time.monotonic() < self._closed_until:
            return 0
        try:
            pipe = self._connected().pipeline(transaction=False)
            for name, message in batch:
                pipe.publish(name, message)
            answers = pipe.execute(raise_on_error=False)
        except (redis.RedisError, OSError) as error:
            self._closed_until = time.monotonic() + PAUSE
            log.warning("%d hints not published: %s", len(batch), type(error).__name__)
            return 0
        return sum(1 for answer in answers if not isinstance(answer, Exception))

    def _connected(self) -> redis.Redis:
        with self._lock:
            if self._client is None:
                self._client = connect(self._host)
            return self._client


def connect(host: dict[str, Any]) -> redis.Redis:
    """A client that gives up early, for a *host* in any of the forms that channels-redis takes."""
    options = host | {
        "socket_timeout": TIMEOUT,
        "socket_connect_timeout": settings.REDIS_CONNECTION_TIMEOUT,
        "retry": Retry(NoBackoff(), 0),
    }
    if address := options.pop("address", None):
        return redis.Redis.from_url(address, **options)
    if master := options.pop("master_name", None):
        sentinels = options.pop("sentinels")
        sentinel_options = (options.pop("sentinel_kwargs", None) or {}) | {
            "socket_timeout": TIMEOUT,
            "socket_connect_timeout": settings.REDIS_CONNECTION_TIMEOUT,
        }
        sentinel: Any = Sentinel
        client: redis.Redis = sentinel(sentinels, sentinel_kwargs=sentinel_options).master_for(
            master, **options
        )
        return client
    return redis.Redis(**options)
