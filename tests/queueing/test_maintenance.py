"""What is kept, for how long, and what goes."""

from datetime import timedelta

import pytest
from django.utils import timezone

from queueing import counts, maintenance
from queueing.errors import Permanent
from queueing.executor import drain
from queueing.jobs import Batch
from queueing.models import Job, JobAttempt, QueueMinute, ScheduledRun, Worker
from queueing.postgres import execute
from queueing.queues import DELIVERY
from tests.queueing.kinds import PROBE, Script, new

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def all_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ids of this moment count as old."""
    monkeypatch.setattr(maintenance, "SKEW", timedelta(days=30))


def age(days: float) -> None:
    """Let everything that has ended be so many days older."""
    execute(
        "UPDATE jobs SET expires_at = expires_at - make_interval(secs => %(seconds)s::int)",
        {"seconds": int(days * 86400)},
    )


@pytest.mark.req("S12", "S16", "S166")
def test_completed_jobs_stay_a_day_and_dead_letters_a_week(script: Script) -> None:
    PROBE.enqueue_many([new() for _ in range(4)])

    def run(batch: Batch) -> None:
        batch.fail(batch[0], Permanent())

    script.run = run
    drain(DELIVERY)
    PROBE.enqueue_many([new()])
    kept = []

    for days in (0.9, 0.2, 5.8, 0.2):
        age(days)
        maintenance.prune()
        kept.append(sorted(Job.objects.values_list("state", flat=True)))

    assert kept == [
        ["completed", "completed", "completed", "failed", "waiting"],
        ["failed", "waiting"],
        ["failed", "waiting"],
        ["waiting"],
    ]
    assert not JobAttempt.objects.exists()


@pytest.mark.req("S16")
def test_it_goes_batch_by_batch(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "BATCH", 2)
    PROBE.enqueue_many([new() for _ in range(5)])
    drain(DELIVERY)
    age(2)

    assert maintenance.prune()["jobs"] == 5


def test_young_rows_are_not_even_looked_at(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "SKEW", timedelta(0))
    PROBE.enqueue_many([new()])
    drain(DELIVERY)
    age(2)

    assert maintenance.prune()["jobs"] == 0


def test_the_minutes_of_all_back_ends_become_one_row() -> None:
    minute = timezone.now().replace(second=0, microsecond=0) - timedelta(minutes=5)
    for holder, completed in ((7, 3), (8, 4), (0, 10)):
        QueueMinute.objects.create(
            queue=DELIVERY.name, minute=minute, holder=holder, completed=completed, seconds=0.5
        )
    now = minute + timedelta(minutes=5)
    QueueMinute.objects.create(queue=DELIVERY.name, minute=now, holder=7, completed=1)

    maintenance.prune()

    rows = QueueMinute.objects.order_by("minute").values_list("holder", "completed", "seconds")
    assert list(rows) == [(0, 17, 1.5), (7, 1, 0.0)]


def test_old_minutes_become_days_and_nothing_of_them_is_lost() -> None:
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    day = midnight - timedelta(days=maintenance.MINUTE_DAYS + 2)
    moments = [
        day,
        day + timedelta(minutes=1),
        day + timedelta(hours=23),
        day - timedelta(minutes=1),
    ]
    for number, minute in enumerate([*moments, midnight - timedelta(days=1)]):
        QueueMinute.objects.create(
            queue=DELIVERY.name, minute=minute, completed=10**number, failed=1, seconds=0.5
        )

    for _ in range(2):
        maintenance.prune()

        rows = QueueMinute.objects.order_by("minute").values_list("minute", "completed")
        assert list(rows) == [
            (day - timedelta(days=1), 1000),
            (day, 111),
            (midnight - timedelta(days=1), 10_000),
        ]
        total = counts.totals()[DELIVERY]
        assert (total.completed, total.failed, total.seconds) == (11_111, 5, 2.5)


def test_old_runs_and_workers_go() -> None:
    long_ago = timezone.now() - timedelta(days=401)
    ScheduledRun.objects.create(name="x", window=long_ago)
    Worker.objects.create(name="w", hostname="h", pid=1, processes=1, queues=[], seen_at=long_ago)

    maintenance.prune()

    assert not ScheduledRun.objects.exists()
    assert not Worker.objects.exists()


def test_its_task_says_what_it_did() -> None:
    assert maintenance.prune_ledger() == "jobs=0 minutes=0"
