"""What runs by the clock runs once for its time."""

from datetime import UTC, datetime

import pytest
from celery import current_app

from queueing import periodic
from queueing.models import ScheduledRun
from queueing.queues import CLEANUP

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ran: list[str] = []


@periodic.periodic("probe.periodic", queue=CLEANUP)
def probe() -> dict[str, object]:
    ran.append("ran")
    if ran == ["ran"] * 13:
        raise ValueError
    return {"count": 1}


@pytest.fixture(autouse=True)
def nothing_ran(db: None) -> None:
    ran.clear()


@pytest.mark.req("S11")
def test_a_window_is_run_once_and_the_next_one_again() -> None:
    results = [periodic.run("probe.periodic", NOON) for _ in range(2)]
    results.append(periodic.run("probe.periodic", NOON.replace(hour=13)))

    assert (results, len(ran)) == ([True, False, True], 2)
    row = ScheduledRun.objects.get(window=NOON)
    assert row.result == {"count": 1} and row.finished_at is not None


def test_without_a_window_it_runs_now() -> None:
    assert periodic.run("probe.periodic") and periodic.run("probe.periodic")


def test_a_run_that_raises_leaves_its_window_open() -> None:
    ran.extend(["ran"] * 12)

    with pytest.raises(ValueError):
        periodic.run("probe.periodic", NOON)
    ran.clear()

    assert periodic.run("probe.periodic", NOON)


def test_the_celery_task_of_its_name_runs_it_for_the_window_that_beat_sent() -> None:
    task = current_app.tasks["probe.periodic"]

    assert [task(window=NOON.isoformat()), task(window=NOON.isoformat())] == ["done", "done before"]
    assert ScheduledRun.objects.get().window == NOON


def test_a_name_means_one_function() -> None:
    with pytest.raises(ValueError, match="already"):
        periodic.periodic("probe.periodic", queue=CLEANUP)(probe)
