"""The clock's rows, its leader, and the time that each run is for."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from celery import current_app
from celery.schedules import crontab, schedule
from django.db import connection
from django_celery_beat.models import CrontabSchedule, PeriodicTask
from django_celery_beat.schedulers import ModelEntry

from config import beat
from config.schedule import SCHEDULE
from queueing.models import ScheduledRun

pytestmark = pytest.mark.django_db(transaction=True)
CLEANUPS = ("cleanup.old_messages", "cleanup.orphaned_messages", "cleanup.deleted_messages")


@pytest.mark.req("S11")
@pytest.mark.req("S108")
def test_the_three_cleanups_are_written_for_two_in_the_morning_utc() -> None:
    assert set(beat.write_absent()) == {line.name for line in SCHEDULE}

    for name in CLEANUPS:
        row = PeriodicTask.objects.get(name=name)
        assert (row.task, row.queue, row.enabled) == (name, "message-cleanup", True)
        assert (row.crontab.minute, row.crontab.hour, str(row.crontab.timezone)) == (
            "0",
            "2",
            "UTC",
        )
        assert row.crontab.day_of_week == row.crontab.day_of_month == "*"


@pytest.mark.req("S108")
def test_a_row_that_is_there_is_the_operators() -> None:
    beat.write_absent()
    later = CrontabSchedule.objects.create(minute="30", hour="4")
    PeriodicTask.objects.filter(name=CLEANUPS[0]).update(crontab=later, enabled=False)

    assert beat.write_absent() == []

    row = PeriodicTask.objects.get(name=CLEANUPS[0])
    assert (row.crontab, row.enabled) == (later, False)


def test_a_run_is_for_the_first_time_after_the_last_one() -> None:
    last = datetime(2026, 1, 1, 2, 0, 3, tzinfo=UTC)
    daily = SimpleNamespace(last_run_at=last, schedule=crontab(minute="0", hour="2"))
    often = SimpleNamespace(last_run_at=last, schedule=schedule(timedelta(seconds=15)))

    assert beat.window_of(daily) == datetime(2026, 1, 2, 2, tzinfo=UTC)
    assert beat.window_of(often) == last + timedelta(seconds=15)


def test_one_beat_leads_and_the_next_takes_over_when_it_ends() -> None:
    first, second = (beat.Scheduler(current_app._get_current_object()) for _ in range(2))
    other = connection.copy()
    try:
        other.ensure_connection()
        assert first.leads() and first.leads()
        with patch("config.beat.fetch", lambda sql, values: on(other, sql, values)):
            assert not second.leads()
            assert second.tick() == beat.LOOK
            connection.close()  # as the leader's end does
            assert wait_for(second)
            second._schedule = None
        assert not first.leads()
    finally:
        other.close()


def on(other, sql: str, values: dict[str, object]) -> list[tuple[object, ...]]:
    with other.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def wait_for(scheduler: beat.Scheduler) -> bool:
    from tests.system.waiting import wait_until

    return wait_until(scheduler.leads)


def test_a_run_that_cannot_be_sent_is_run_here() -> None:
    beat.write_absent()
    scheduler = beat.Scheduler(current_app._get_current_object())
    entry = ModelEntry(PeriodicTask.objects.get(name=CLEANUPS[0]), app=scheduler.app)
    window = beat.window_of(entry)

    with patch("celery.app.task.Task.apply_async", side_effect=OSError):
        scheduler.apply_async(entry, advance=False)

    assert ScheduledRun.objects.get().window == window


def test_a_run_is_sent_with_its_window() -> None:
    beat.write_absent()
    scheduler = beat.Scheduler(current_app._get_current_object())
    entry = ModelEntry(PeriodicTask.objects.get(name=CLEANUPS[0]), app=scheduler.app)

    with patch("celery.app.task.Task.apply_async") as sent:
        scheduler.apply_async(entry, advance=False)

    assert sent.call_args.args[1] == {"window": beat.window_of(entry).isoformat()}
    assert sent.call_args.kwargs["queue"] == "message-cleanup"
