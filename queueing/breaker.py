"""A circuit breaker for each provider (S163): who has just failed often is left alone for a while.

    closed ──5 transient failures in 30 s, or half of at least 20 calls──▶ open
    open ──after 30 s, for one caller only──▶ probing
    probing ──it answers──▶ closed      probing ──it fails──▶ open

One row in PostgreSQL for each provider, changed by statements that name the state they expect, on
PostgreSQL's clock: all processes see one circuit. What a process has read holds for a second. No row
is a closed circuit, so a provider that is well costs one short read a second.
"""

import logging
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from uuid import UUID, uuid4

from django.db import DatabaseError

from queueing.errors import JobError, Throttled, Transient
from queueing.models import CircuitBreaker
from queueing.postgres import execute, fetch

PAUSE = 30.0  # seconds that a circuit stays open; a probe that has not come back by then is lost
FRESH = 1.0  # seconds for which what was read is believed
SPREAD = 10.0  # seconds over which those come back who were put back
PROBING = (1.0, 3.0)  # seconds that others wait while somebody probes
LIMITS = {"most": 5, "window": 30.0, "calls": 20, "counted": 300.0, "pause": PAUSE}

State = CircuitBreaker.State
log = logging.getLogger(__name__)

READ = """
    SELECT state, failures > 0,
        coalesce(extract(epoch FROM retry_at - statement_timestamp()), 0)::float8
    FROM circuit_breakers WHERE provider = %(provider)s::text"""

COUNTED = "b.counted_since > statement_timestamp() - make_interval(secs => %(counted)s::float8)"
FAIL = f"""
    INSERT INTO circuit_breakers AS b
        (provider, state, failed_at, calls, failures, counted_since)
    VALUES (%(provider)s::text, 'closed', ARRAY[statement_timestamp()], 1, 1, statement_timestamp())
    ON CONFLICT (provider) DO UPDATE SET
        failed_at = ARRAY(
            SELECT f FROM unnest(b.failed_at) AS f
            WHERE f > statement_timestamp() - make_interval(secs => %(window)s::float8))
            || statement_timestamp(),
        calls = CASE WHEN {COUNTED} THEN b.calls ELSE 0 END + 1 + %(answered)s::int,
        failures = CASE WHEN {COUNTED} THEN b.failures ELSE 0 END + 1,
        counted_since = CASE WHEN {COUNTED} THEN b.counted_since ELSE statement_timestamp() END
    WHERE b.state = 'closed'"""

COUNT = """
    UPDATE circuit_breakers SET calls = calls + %(answered)s::int
    WHERE provider = %(provider)s::text AND state = 'closed' AND failures > 0"""

OPEN = """
    UPDATE circuit_breakers SET state = 'open', opened_at = statement_timestamp(),
        retry_at = statement_timestamp() + make_interval(secs => %(pause)s::float8)
    WHERE provider = %(provider)s::text AND state = 'closed'
      AND (cardinality(failed_at) >= %(most)s::int
           OR (calls >= %(calls)s::int AND failures * 2 >= calls))"""

PROBE = """
    UPDATE circuit_breakers SET state = 'probing', probe = %(probe)s::uuid,
        retry_at = statement_timestamp() + make_interval(secs => %(pause)s::float8)
    WHERE provider = %(provider)s::text AND state <> 'closed' AND retry_at <= statement_timestamp()"""

REOPEN = """
    UPDATE circuit_breakers SET state = 'open', probe = NULL,
        retry_at = statement_timestamp() + make_interval(secs => %(pause)s::float8)
    WHERE provider = %(provider)s::text AND state = 'probing' AND probe = %(probe)s::uuid"""

CLOSE = """
    UPDATE circuit_breakers SET state = 'closed', probe = NULL, retry_at = NULL,
        failed_at = '{{}}', calls = 0, failures = 0, counted_since = NULL
    WHERE provider = %(provider)s::text AND {expected}"""
CLOSE_PROBED = CLOSE.format(expected="state = 'probing' AND probe = %(probe)s::uuid")
CLOSE_NOW = CLOSE.format(expected="state <> 'closed'")


@dataclass(frozen=True, slots=True)
class Seen:
    """What this process has read of a circuit."""

    state: str
    counting: bool  # there was a failure lately: answers are counted beside it
    until: float  # monotonic: until when nobody calls
    read: float


_seen: dict[str, Seen] = {}
_answers: Counter[str] = Counter()  # not written yet; a thread that loses one harms nobody


@contextmanager
def through(provider: str, *, final: type[JobError] | tuple[()] = ()) -> Iterator[None]:
    """Call *provider* inside, unless its circuit is open: then Throttled, which is no attempt.

    A Transient from inside is a failure; anything else that is ours is an answer. A probe that fails
    is put back too, since it was tried for all the others, unless its error is *final*.
    """
    probe = _admit(provider)
    try:
        yield
    except Transient as error:
        _failed(provider, probe)
        if probe is None or isinstance(error, final):
            raise
        raise Throttled(_later(PAUSE), code=error.code) from error
    except JobError:
        _answered(provider, probe)
        raise
    _answered(provider, probe)


def close_now(provider: str) -> bool:
    """Close the circuit of *provider* without a probe; whether it was not closed."""
    return bool(execute(CLOSE_NOW, {"provider": provider}))


def forget() -> None:
    """Believe nothing that was read before."""
    _seen.clear()
    _answers.clear()


def _admit(provider: str) -> UUID | None:
    """Nothing where the circuit is closed, or the one probe's token. Raises Throttled to the others."""
    seen = _seen.get(provider)
    if seen is None or time.monotonic() - seen.read > FRESH:
        seen = _read(provider)
    if seen.state == State.CLOSED:
        return None
    if time.monotonic() >= seen.until:
        probe = uuid4()
        if execute(PROBE, {"provider": provider, "probe": probe, "pause": PAUSE}):
            _seen.pop(provider, None)
            return probe
        seen = _read(provider)
        if seen.state == State.CLOSED:
            return None
    left = max(seen.until - time.monotonic(), 0.0)
    wait = random.uniform(*PROBING) if seen.state == State.PROBING else _later(left)
    raise Throttled(wait, code="circuit-open")


def _read(provider: str) -> Seen:
    """The circuit as it stands; the answers since the last look are written first."""
    before = _seen.get(provider)
    answered = _answers.pop(provider, 0)
    if answered and before and before.counting:
        execute(COUNT, {"provider": provider, "answered": answered})
    now = time.monotonic()
    rows = fetch(READ, {"provider": provider})
    state, counting, left = rows[0] if rows else (State.CLOSED, False, 0.0)
    seen = _seen[provider] = Seen(state, counting, now + left, now)
    return seen


def _failed(provider: str, probe: UUID | None) -> None:
    if probe is not None:
        execute(REOPEN, {"provider": provider, "probe": probe, "pause": PAUSE})
    else:
        execute(FAIL, LIMITS | {"provider": provider, "answered": _answers.pop(provider, 0)})
        if execute(OPEN, LIMITS | {"provider": provider}):
            log.warning("circuit of %s opened", provider)
    _seen.pop(provider, None)


def _answered(provider: str, probe: UUID | None) -> None:
    """Note that *provider* is there. What it has taken stays taken, whatever becomes of the note."""
    if probe is None:
        seen = _seen.get(provider)
        if seen and seen.counting:
            _answers[provider] += 1
        return
    with suppress(DatabaseError):
        if execute(CLOSE_PROBED, {"provider": provider, "probe": probe}):
            log.warning("circuit of %s closed", provider)
    _seen.pop(provider, None)


def _later(seconds: float) -> float:
    """*seconds* and a little more, so that not everybody comes back at once."""
    return seconds + random.uniform(0.0, SPREAD)
