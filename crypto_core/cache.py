"""Unwrapped keys in memory: private copies, wiped when they go.

The cache never hands out its own buffer: a shared one that is wiped on eviction would let another
thread seal under a key of zeros. It is safe to use from threads and empty after a fork.
"""

import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from weakref import WeakSet

from crypto_core.errors import CryptoError
from crypto_core.suite import KEY_BYTES, Scope, key_id

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Key:
    """An unwrapped key; `with key:` wipes it at the end, and so does losing the last reference."""

    id: str
    scope: Scope
    made_at: datetime
    material: bytearray = field(repr=False)

    @classmethod
    def fresh(cls, scope: Scope, made_at: datetime) -> "Key":
        """A key that nobody has seen before."""
        material = bytearray(os.urandom(KEY_BYTES))
        return cls(key_id(material), scope, made_at, material)

    def copy(self) -> "Key":
        """A private copy, for whoever asks the cache."""
        return Key(self.id, self.scope, self.made_at, bytearray(self.material))

    def wipe(self) -> None:
        """Overwrite the material with zeros."""
        self.material[:] = bytes(len(self.material))

    def __enter__(self) -> "Key":
        return self

    def __exit__(self, *_: object) -> None:
        self.wipe()

    def __del__(self) -> None:
        self.wipe()


Found = Key | CryptoError  # what a look-up says of one key


@dataclass(slots=True)
class _Entry:
    key: Key
    until: float


class KeyCache:
    """At most *size* keys, the least recently used go first; each for its own number of seconds."""

    def __init__(self, size: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._size, self._clock = size, clock
        self._empty()
        _caches.add(self)

    def copy(self, kid: str) -> Key | None:
        """A copy of the key *kid*, if it is here."""
        with self._lock:
            return self._copy(kid)

    def copy_active(self, scope: Scope) -> Key | None:
        """A copy of the key that seals for *scope*, if it is known."""
        with self._lock:
            return self._copy(self._active.get(scope, ""))

    def put(self, key: Key, seconds: float, *, active: bool = False) -> None:
        """Keep a copy of *key*; an *active* one seals for its scope unless a younger one does."""
        with self._lock:
            if not active and self._fresh(key.id):
                return  # its time is up when it was going to be
            self._drop(key.id)
            self._held[key.id] = _Entry(key.copy(), self._clock() + seconds)
            rival = self._fresh(self._active.get(key.scope, ""))
            if active and not (rival and rival.key.made_at > key.made_at):
                self._active[key.scope] = key.id
            while len(self._held) > self._size:
                self._drop(next(iter(self._held)))

    def discard(self, kid: str) -> None:
        """Forget the key *kid*."""
        with self._lock:
            self._drop(kid)

    def clear(self) -> None:
        """Forget every key."""
        with self._lock:
            for kid in list(self._held):
                self._drop(kid)

    def _copy(self, kid: str) -> Key | None:
        entry = self._fresh(kid)
        log.debug("key %s: %s", kid or "of a scope", "found" if entry else "not here")
        return entry.key.copy() if entry else None

    def _fresh(self, kid: str) -> _Entry | None:
        entry = self._held.get(kid)
        if entry and entry.until <= self._clock():
            self._drop(kid)
            return None
        if entry:
            self._held.move_to_end(kid)
        return entry

    def _drop(self, kid: str) -> None:
        entry = self._held.pop(kid, None)
        if entry:
            entry.key.wipe()
            if self._active.get(entry.key.scope) == kid:
                del self._active[entry.key.scope]

    def _empty(self) -> None:
        self._lock = threading.Lock()  # a fork may have copied one that is held
        self._held: OrderedDict[str, _Entry] = OrderedDict()
        self._active: dict[Scope, str] = {}


_caches: WeakSet[KeyCache] = WeakSet()


def _forget_after_fork() -> None:
    for cache in _caches:
        cache._empty()


os.register_at_fork(after_in_child=_forget_after_fork)
