"""Buckets: exact under a crowd, refilled evenly, indifferent to clocks, open without Redis."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import redis
import time_machine
from django.conf import settings
from django.core.exceptions import ValidationError

from messaging.errors import QuotaExceeded
from messaging.models import User
from messaging.models.accounts import check_limits
from messaging.services import buckets, quotas
from messaging.services.buckets import WINDOW, Bucket, Local, Shared

pytestmark = pytest.mark.req("S122")
NOWHERE = "redis://127.0.0.1:1/0"
SILENT = "redis://10.255.255.1:6379/0"


@pytest.fixture
def key() -> Iterator[str]:
    """A key that nobody else has."""
    made = f"test:quota:{uuid4()}"
    yield made
    redis.Redis.from_url(settings.REDIS_URL).delete(made)


def either() -> list[Shared | Local]:
    return [Shared(settings.REDIS_URL), Local()]


def test_a_full_bucket_may_be_spent_at_once_and_not_more(key: str) -> None:
    for place in either():
        bucket = [Bucket(key, 7)]
        taken = [place.take(bucket) for _ in range(9)]

        assert [one.allowed for one in taken] == [True] * 7 + [False] * 2
        assert WINDOW - 1_000_000 < taken[-1].full_in[0] <= WINDOW


def test_what_comes_back_comes_evenly(key: str) -> None:
    for place in either():
        bucket = [Bucket(key, 600)]
        assert sum(place.take(bucket).allowed for _ in range(700)) >= 600
        time.sleep(0.25)

        assert place.take(bucket).allowed
        assert sum(place.take(bucket).allowed for _ in range(100)) < 50


def test_who_is_refused_by_one_bucket_takes_nothing_from_the_others(key: str) -> None:
    for place in either():
        narrow, wide = Bucket(key, 1), Bucket(f"{key}:wide", 100)
        place.take([narrow, wide])

        before = place.take([wide]).full_in[0]
        refused = place.take([wide, narrow])

        assert not refused.allowed and refused.full_in[0] <= before


def test_a_crowd_at_the_same_moment_gets_the_quota_exactly(key: str) -> None:
    place, bucket = Shared(settings.REDIS_URL), [Bucket(key, 50)]
    place.take([Bucket(f"{key}:warm", 1)])

    with ThreadPoolExecutor(16) as pool:
        taken = list(pool.map(lambda _: place.take(bucket).allowed, range(200)))

    assert 50 <= sum(taken) <= 52  # one comes back every 1.2 s


def test_clocks_that_jump_change_nothing(key: str) -> None:
    for place in either():
        bucket = [Bucket(key, 2)]
        place.take(bucket), place.take(bucket)

        for jump in ("2020-01-01", "2100-01-01"):
            with time_machine.travel(jump):
                assert not place.take(bucket).allowed


def test_a_bucket_from_the_future_is_full_again_within_a_window(key: str) -> None:
    server = redis.Redis.from_url(settings.REDIS_URL)
    server.set(key, (int(time.time()) + 86_400) * 1_000_000)  # the server's clock went back a day

    assert Shared(settings.REDIS_URL).take([Bucket(key, 2)]).full_in == [WINDOW]


def test_keys_do_not_outlive_their_use(key: str) -> None:
    Shared(settings.REDIS_URL).take([Bucket(key, 60)])

    assert 0 < redis.Redis.from_url(settings.REDIS_URL).pttl(key) <= 1000


def test_a_flushed_redis_knows_the_script_again(key: str) -> None:
    place = Shared(settings.REDIS_URL)
    place.take([Bucket(key, 2)])
    redis.Redis.from_url(settings.REDIS_URL).script_flush()

    assert place.take([Bucket(key, 2)]).allowed
    assert not place.take([Bucket(key, 2)]).allowed


@pytest.mark.parametrize("url", [NOWHERE, SILENT])
def test_without_redis_each_process_counts_and_hardly_waits(url: str, key: str) -> None:
    place, bucket = Shared(url), [Bucket(key, 5)]

    began = time.monotonic()
    taken = [place.take(bucket).allowed for _ in range(50)]

    assert taken == [True] * 5 + [False] * 45
    assert time.monotonic() - began < 0.6


def test_what_is_kept_here_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "MOST", 10)
    place = Local()

    for number in range(50):
        place.take([Bucket(str(number), 1)])

    assert len(place._full) == 10


@pytest.mark.django_db
def test_a_refusal_says_how_long_to_wait(alice: User) -> None:
    alice.tenant.limits = {"sends": 4}
    for _ in range(4):
        quotas.spend("sends", alice)

    with pytest.raises(QuotaExceeded) as refusal:
        quotas.spend("sends", alice)

    assert refusal.value.retry_after in {14, 15}
    quotas.spend("calls", alice)


@pytest.mark.parametrize(
    "limits", [[], {"other": 1}, {"sends": -1}, {"sends": True}, {"calls": 1e3}]
)
def test_limits_that_say_nothing_are_refused(limits: object) -> None:
    with pytest.raises(ValidationError):
        check_limits(limits)


def test_limits_may_be_partial_or_none() -> None:
    for limits in ({}, {"sends": 0}, {"sends": 1, "calls": 2, "tenantSends": 10_000_000}):
        check_limits(limits)
