"""Buckets that refill evenly: what is left of a quota, kept in Redis, or here where Redis is away.

A bucket is one number, the time at which it will be full again (GCRA). Redis' own clock counts, so
servers need not agree on the time, and a clock that jumps back costs nobody more than a window.
While Redis is away each process keeps buckets of its own: what is open stays open, within as many
quotas as there are processes.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from threading import Lock

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry

log = logging.getLogger(__name__)

SECONDS = 60  # in which an empty bucket fills
WINDOW = SECONDS * 1_000_000  # the same in microseconds, in which everything here is counted
TIMEOUT = 0.25  # seconds for an answer of Redis
PAUSE = 1.0  # seconds without an attempt after one that failed
MOST = 10_000  # buckets kept here

# All or none: whom one bucket refuses takes nothing out of the others.
TAKE = """
local window = tonumber(ARGV[1])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local answer, after = {1}, {}
for i, key in ipairs(KEYS) do
  local full = math.min(math.max(tonumber(redis.call('GET', key) or 0), now), now + window)
  after[i] = full + tonumber(ARGV[i + 1])
  if after[i] > now + window then answer[1] = 0 end
  answer[i + 1] = full - now
end
if answer[1] == 1 then
  for i, key in ipairs(KEYS) do
    local wait = after[i] - now
    redis.call('SET', key, string.format('%.0f', after[i]), 'PX', math.ceil(wait / 1000))
    answer[i + 1] = wait
  end
end
return answer
"""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Holds *quota* when it is full."""

    key: str
    quota: int

    @property
    def each(self) -> int:
        """Microseconds in which one of its quota comes back."""
        return WINDOW // self.quota


@dataclass(frozen=True, slots=True)
class Taken:
    """Whether every bucket had one left, and the microseconds until each is full again."""

    allowed: bool
    full_in: Sequence[int]


class Local:
    """The buckets of this process."""

    def __init__(self) -> None:
        self._full: OrderedDict[str, int] = OrderedDict()
        self._lock = Lock()

    def take(self, buckets: Sequence[Bucket]) -> Taken:
        """One out of each, or none."""
        now = time.monotonic_ns() // 1000
        with self._lock:
            before = [max(self._full.get(one.key, 0), now) for one in buckets]
            after = [full + one.each for full, one in zip(before, buckets, strict=True)]
            if max(after) > now + WINDOW:
                return Taken(False, [full - now for full in before])
            for one, full in zip(buckets, after, strict=True):
                self._full[one.key] = full
                self._full.move_to_end(one.key)
            while len(self._full) > MOST:
                self._full.popitem(last=False)
            return Taken(True, [full - now for full in after])


class Shared:
    """The buckets of all processes, behind a breaker: a Redis that failed is left alone a second."""

    def __init__(self, url: str) -> None:
        client = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=min(TIMEOUT, settings.REDIS_CONNECTION_TIMEOUT),
            retry=Retry(NoBackoff(), 0),
        )
        self._take: Script = client.register_script(TAKE)
        self._local = Local()
        self._closed_until = 0.0

    def take(self, buckets: Sequence[Bucket]) -> Taken:
        """One out of each, or none; out of this process's where Redis does not answer."""
        if time.monotonic() >= self._closed_until:
            try:
                keys, each = [one.key for one in buckets], [one.each for one in buckets]
                allowed, *full_in = self._take(keys, [WINDOW, *each])
                return Taken(bool(allowed), full_in)
            except (redis.RedisError, OSError) as error:
                self._closed_until = time.monotonic() + PAUSE
                log.warning("quotas are counted by each process: %s", type(error).__name__)
        return self._local.take(buckets)


@cache
def _shared(url: str) -> Shared:
    return Shared(url)


def take(buckets: Sequence[Bucket]) -> Taken:
    """One out of each of *buckets*, or none if one of them is empty."""
    return _shared(settings.REDIS_URL).take(buckets)
