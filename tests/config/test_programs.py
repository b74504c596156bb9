"""Workers share the lanes, except for queues whose concurrency is set."""

import pytest
from billiard import pool

from config import celery, processes, programs
from queueing.queues import QUEUES


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for queue in QUEUES:
        monkeypatch.delenv(queue.variable, raising=False)


def lanes() -> dict[str, tuple[str, str]]:
    """For each worker, its queues and its number of processes."""
    found = {}
    for worker in programs.workers():
        words = dict(word.partition("=")[::2] for word in worker.command)
        found[worker.name] = (words["--queues"], words["--concurrency"])
    return found


def test_two_workers_serve_the_six_queues() -> None:
    assert lanes() == {
        "hot": ("message-encryption,message-delivery,message-indexing", "2"),
        "slow": ("message-notification,batch-message-sending,message-cleanup", "1"),
    }


@pytest.mark.req("S8", "S137", "S21")
def test_a_queue_with_a_set_concurrency_has_its_own_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("QUEUE_CONCURRENCY_DELIVERY", "4")
    monkeypatch.setenv("QUEUE_CONCURRENCY_NOTIFICATION", "20")

    assert lanes() == {
        "hot": ("message-encryption,message-indexing", "2"),
        "slow": ("batch-message-sending,message-cleanup", "1"),
        "delivery": ("message-delivery", "4"),
        "notification": ("message-notification", "1"),
    }


def test_a_worker_that_stops_waits_for_no_answer_longer_than_its_supervisor() -> None:
    assert celery.app
    waits = pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT
    seconds = waits * pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_INTERVAL

    assert seconds < processes.STOP_SECONDS / 3
