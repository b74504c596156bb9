"""How long a job waits (S2-S7)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queueing import backoff
from queueing.queues import BY_NAME, EXPONENTIAL, QUEUES

WAITS = {
    "message-delivery": [2, 4, 8, 16],
    "message-notification": [1, 2],
    "message-indexing": [3, 6],
    "message-encryption": [2, 4],
    "batch-message-sending": [5, 10],
    "message-cleanup": [10],
}


@pytest.fixture
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff.random, "uniform", lambda low, high: 1.0)


@pytest.mark.req("S2", "S3", "S4", "S5", "S6", "S7", "S23")
@pytest.mark.parametrize("name", WAITS)
@pytest.mark.usefixtures("no_jitter")
def test_each_queue_waits_as_its_row_says(name: str) -> None:
    queue = BY_NAME[name]

    waits = [
        backoff.wait(queue.base, attempt, growing=queue.backoff == EXPONENTIAL)
        for attempt in range(1, queue.attempts)
    ]

    assert waits == WAITS[name]
    assert set(WAITS) == {queue.name for queue in QUEUES}


@given(st.integers(1, 60))
def test_jitter_stays_within_a_quarter(attempt: int) -> None:
    exact = 2.0 * 2 ** (attempt - 1)

    pause = backoff.wait(2.0, attempt)

    assert min(exact * 0.75, backoff.LONGEST) <= pause <= min(exact * 1.25, backoff.LONGEST)


@given(st.floats(0.1, 1000), st.integers(1, 10_000), st.booleans())
def test_no_wait_is_longer_than_five_minutes(base: float, attempt: int, growing: bool) -> None:
    assert 0 < backoff.wait(base, attempt, growing=growing) <= 300
