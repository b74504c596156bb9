"""Unwrapped keys in memory: private copies, wiped, bounded, forgotten in time and after a fork."""

import os
import signal
import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from crypto_core.cache import Key, KeyCache
from crypto_core.suite import Scope, key_id

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ZEROS = bytes(32)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock) -> KeyCache:
    return KeyCache(3, clock=clock)


def fresh(scope: Scope | None = None, made_at: datetime = NOW) -> Key:
    return Key.fresh(scope or Scope(uuid4(), "content", uuid4()), made_at)


def test_what_was_put_is_there_as_a_private_copy(cache):
    key = fresh()
    cache.put(key, 60)

    with cache.copy(key.id) as copy:
        assert copy.material == key.material
        copy.material[0] ^= 1

    assert cache.copy(key.id).material == key.material
    key.wipe()
    assert cache.copy(key.id).material != ZEROS


def test_a_key_is_wiped_at_the_end_of_its_block_and_with_its_last_reference():
    with fresh() as key:
        material = key.material
        assert material != ZEROS
    assert material == ZEROS

    lost = fresh()
    material = lost.material
    del lost
    assert material == ZEROS


def test_a_key_never_shows_its_material():
    key = fresh()

    assert key.material.hex() not in repr(key) and "material" not in repr(key)


def test_a_key_goes_when_its_seconds_are_over(cache, clock):
    key = fresh()
    cache.put(key, 60, active=True)
    held = cache._held[key.id].key.material

    clock.now = 59.9
    assert cache.copy(key.id) and cache.copy_active(key.scope)
    clock.now = 60
    assert cache.copy(key.id) is None and cache.copy_active(key.scope) is None
    assert held == ZEROS


def test_putting_a_key_again_does_not_prolong_its_time(cache, clock):
    key = fresh()
    cache.put(key, 60)
    clock.now = 50
    cache.put(key, 60)

    clock.now = 60
    assert cache.copy(key.id) is None


def test_the_least_recently_used_key_goes_first_and_is_wiped(cache):
    keys = [fresh() for _ in range(4)]
    for key in keys[:3]:
        cache.put(key, 60)
    wiped = cache._held[keys[1].id].key.material
    cache.copy(keys[0].id)

    cache.put(keys[3], 60)

    assert [bool(cache.copy(key.id)) for key in keys] == [True, False, True, True]
    assert wiped == ZEROS


def test_a_cache_without_room_keeps_nothing(clock):
    cache, key = KeyCache(0, clock=clock), fresh()

    cache.put(key, 60, active=True)

    assert cache.copy(key.id) is None and cache.copy_active(key.scope) is None


def test_only_the_youngest_active_key_seals_for_a_scope(cache):
    young = fresh()
    old = fresh(young.scope, NOW - timedelta(days=7))
    cache.put(young, 60, active=True)
    cache.put(old, 60, active=True)

    assert cache.copy_active(young.scope).id == young.id
    assert cache.copy(old.id)
    cache.discard(young.id)
    assert cache.copy_active(young.scope) is None


def test_a_key_that_is_only_opened_with_does_not_seal(cache):
    key = fresh()
    cache.put(key, 60)

    assert cache.copy_active(key.scope) is None
    cache.put(key, 60, active=True)
    assert cache.copy_active(key.scope).id == key.id


def test_clearing_wipes_everything(cache):
    keys = [fresh() for _ in range(3)]
    for key in keys:
        cache.put(key, 60, active=True)
    held = [entry.key.material for entry in cache._held.values()]

    cache.clear()

    assert held == [ZEROS] * 3
    assert all(cache.copy_active(key.scope) is None for key in keys)


def test_a_forked_process_starts_without_keys_even_if_another_thread_held_the_lock(cache):
    key = fresh()
    cache.put(key, 60, active=True)
    told, tell = os.pipe()

    with cache._lock:
        child = os.fork()
        if child == 0:
            signal.alarm(10)  # a lock that stayed held would hang it
            here = cache.copy(key.id) or cache.copy_active(key.scope)
            os.write(tell, b"full" if here else b"empty")
            os._exit(0)

    assert os.read(told, 10) == b"empty"
    os.waitpid(child, 0)
    assert cache.copy(key.id)


def test_threads_that_evict_each_others_keys_never_see_one_wiped(clock):
    cache, bad = KeyCache(2, clock=clock), []
    keys = [fresh() for _ in range(8)]

    def use(offset: int) -> None:
        for turn in range(2000):
            key = keys[(turn + offset) % len(keys)]
            cache.put(key, 60, active=True)
            copy = cache.copy(key.id)
            if copy and key_id(copy.material) != key.id:
                bad.append(key.id)

    threads = [threading.Thread(target=use, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert bad == []
