"""The circuit of a provider: when it opens, who probes, and that all processes see the same one."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connection

from queueing import breaker
from queueing.errors import Permanent, Throttled, Transient
from queueing.models import CircuitBreaker
from queueing.postgres import execute

pytestmark = [pytest.mark.django_db, pytest.mark.req("S163")]
SMTP = "smtp"


class Doubtful(Transient):
    """It may have been done."""


class Provider:
    """Somebody outside, who is well or not."""

    def __init__(self) -> None:
        self.calls = 0
        self.error: Exception | None = None

    def ask(self, name: str = SMTP, **final: type[Transient]) -> str:
        """What calling it through its circuit came to."""
        try:
            with breaker.through(name, **final):
                self.calls += 1
                if self.error:
                    raise self.error
        except Throttled as error:
            return error.code
        except (Transient, Permanent) as error:
            return type(error).__name__
        return "answered"


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def open_circuit(provider: Provider) -> CircuitBreaker:
    """The circuit of somebody who has just failed five times."""
    provider.error = Transient(code="away")
    for _ in range(5):
        provider.ask()
    provider.calls = 0
    return CircuitBreaker.objects.get(provider=SMTP)


def later(seconds: float) -> None:
    """Move everything that was noted *seconds* into the past."""
    execute(
        "UPDATE circuit_breakers SET retry_at = retry_at - make_interval(secs => %(s)s::float8),"
        " counted_since = counted_since - make_interval(secs => %(s)s::float8),"
        " failed_at = ARRAY(SELECT f - make_interval(secs => %(s)s::float8)"
        "                   FROM unnest(failed_at) AS f)",
        {"s": seconds},
    )
    breaker.forget()


def state() -> str:
    return CircuitBreaker.objects.get(provider=SMTP).state


def test_five_failures_in_half_a_minute_open_it(provider: Provider) -> None:
    provider.error = Transient()
    assert [provider.ask() for _ in range(4)] == ["Transient"] * 4
    assert state() == "closed"

    assert provider.ask() == "Transient"
    assert (state(), provider.ask(), provider.calls) == ("open", "circuit-open", 5)


def test_failures_far_apart_do_not(provider: Provider) -> None:
    provider.error = Transient()
    for _ in range(15):
        provider.ask()
        later(10)

    assert (state(), provider.calls) == ("closed", 15)


def test_half_of_twenty_calls_open_it(provider: Provider) -> None:
    for number in range(20):
        provider.error = None if number % 2 else Transient()
        provider.ask()
        seen = breaker._seen.get(SMTP)
        if seen:  # let the next one read again, as after a second
            breaker._seen[SMTP] = breaker.Seen(seen.state, seen.counting, seen.until, -10.0)
        execute("UPDATE circuit_breakers SET failed_at = '{}'")
    assert state() == "closed"

    provider.error = Transient()
    provider.ask()
    assert state() == "open"


def test_what_is_refused_for_good_is_an_answer(provider: Provider) -> None:
    provider.error = Permanent()
    for _ in range(10):
        assert provider.ask() == "Permanent"

    assert not CircuitBreaker.objects.exists()


def test_somebody_who_is_well_leaves_no_row_and_is_looked_up_once_a_second(
    provider: Provider, django_assert_num_queries: Callable[..., object]
) -> None:
    with django_assert_num_queries(1):
        assert {provider.ask() for _ in range(50)} == {"answered"}

    assert not CircuitBreaker.objects.exists()


def test_who_is_put_back_comes_when_it_may_be_tried(open_circuit: CircuitBreaker) -> None:
    with pytest.raises(Throttled) as put_back, breaker.through(SMTP):
        pytest.fail("it was called")

    assert 25 < put_back.value.after <= breaker.PAUSE + breaker.SPREAD


def test_one_probe_closes_it(open_circuit: CircuitBreaker, provider: Provider) -> None:
    later(31)
    provider.error = None

    with breaker.through(SMTP):
        assert state() == "probing"
        assert provider.ask() == "circuit-open"

    assert (state(), provider.ask(), provider.calls) == ("closed", "answered", 1)
    row = CircuitBreaker.objects.get()
    assert (row.failed_at, row.failures, row.calls, row.retry_at) == ([], 0, 0, None)


def test_a_probe_that_fails_opens_it_again_and_is_put_back(
    open_circuit: CircuitBreaker, provider: Provider
) -> None:
    for calls in range(1, 4):
        later(31)
        assert provider.ask() == "away"  # its code, as Throttled: no attempt
        assert (state(), provider.ask(), provider.calls) == ("open", "circuit-open", calls)


def test_a_probe_of_which_nobody_knows_what_became_is_not_put_back(
    open_circuit: CircuitBreaker, provider: Provider
) -> None:
    later(31)
    provider.error = Doubtful()

    assert provider.ask(final=Doubtful) == "Doubtful"
    assert state() == "open"


def test_a_probe_that_is_refused_for_good_closes_it(
    open_circuit: CircuitBreaker, provider: Provider
) -> None:
    later(31)
    provider.error = Permanent()

    assert (provider.ask(), state()) == ("Permanent", "closed")


def test_a_probe_that_died_is_followed_by_another(
    open_circuit: CircuitBreaker, provider: Provider
) -> None:
    later(31)
    with pytest.raises(KeyboardInterrupt), breaker.through(SMTP):
        raise KeyboardInterrupt
    breaker.forget()
    provider.error = None
    assert (state(), provider.ask()) == ("probing", "circuit-open")

    later(31)
    assert (provider.ask(), state()) == ("answered", "closed")


def test_a_late_probe_changes_nothing_for_the_one_after_it(
    open_circuit: CircuitBreaker, provider: Provider
) -> None:
    later(31)
    with breaker.through(SMTP):
        later(31)
        with breaker.through(SMTP):  # the first one's time was up
            second = CircuitBreaker.objects.get().probe
            breaker._failed(SMTP, uuid4())
            assert (state(), CircuitBreaker.objects.get().probe) == ("probing", second)
    assert state() == "closed"


def test_another_provider_goes_on(open_circuit: CircuitBreaker, provider: Provider) -> None:
    provider.error = None

    assert (provider.ask(SMTP), provider.ask("fcm")) == ("circuit-open", "answered")


class TestProcesses:
    """Each thread is a process: a connection of its own, and nothing that was read before."""

    pytestmark = pytest.mark.django_db(transaction=True)

    @staticmethod
    def both(function: Callable[[], object]) -> list[object]:
        def call(_: int) -> object:
            breaker.forget()
            barrier.wait(5)
            try:
                return function()
            finally:
                connection.close()

        barrier = Barrier(2)
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(call, range(2)))

    def test_failures_of_two_add_up_and_close_for_both(self, provider: Provider) -> None:
        provider.error = Transient()

        self.both(lambda: [provider.ask() for _ in range(3)])

        assert state() == "open"
        assert self.both(provider.ask) == ["circuit-open"] * 2

    def test_only_one_of_two_probes(self, open_circuit: CircuitBreaker) -> None:
        later(31)

        def admitted() -> bool:
            try:
                return breaker._admit(SMTP) is not None
            except Throttled:
                return False

        assert sorted(self.both(admitted)) == [False, True]

    def test_what_was_read_holds_for_a_second(
        self, provider: Provider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        provider.ask()
        CircuitBreaker.objects.create(provider=SMTP, state="open")
        execute("UPDATE circuit_breakers SET retry_at = now() + interval '30 seconds'")
        assert provider.ask() == "answered"

        monkeypatch.setattr(breaker, "FRESH", 0.0)
        assert provider.ask() == "circuit-open"
