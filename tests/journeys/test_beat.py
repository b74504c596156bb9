"""The clock of a running system: what operators change in its rows stays, and each run is a job."""

import pytest

from tests.system.system import System
from tests.system.waiting import wait_until

pytestmark = pytest.mark.journey
NAME = "cleanup.orphaned_messages"
ROWS = """select name, enabled, crontab_id is null from django_celery_beat_periodictask
          where name like 'cleanup.%%' order by name"""


@pytest.mark.req("S108")
def test_an_edited_schedule_survives_a_restart_of_beat_and_starts_its_job(system: System) -> None:
    wait_until(lambda: len(system.sql(ROWS)) == 3)
    edit(system)
    began = "select count(*) from jobs where kind = 'cleanup-messages' and state = 'completed'"
    wait_until(lambda: system.sql(began)[0][0] >= 1, seconds=30)

    before = system.running("beat")[0].pid
    system.kill9("beat")
    wait_until(lambda: any(each.pid != before for each in system.running("beat")))
    seen = system.sql(began)[0][0]
    wait_until(lambda: system.sql(began)[0][0] > seen, seconds=30)  # the new one leads

    assert system.sql(ROWS) == [
        ("cleanup.deleted_messages", False, False),
        ("cleanup.old_messages", True, False),
        (NAME, True, True),
    ]
    runs = system.sql("select count(*), count(distinct job_id) from cleanup_runs")[0]
    windows = system.sql("select count(*) from scheduled_runs where name = %s", NAME)[0][0]
    assert runs == (windows, windows)
    stop(system)


def edit(system: System) -> None:
    """What an operator's edit in the admin writes: one row off, another one every two seconds."""
    system.sql(
        "with every as (insert into django_celery_beat_intervalschedule (every, period)"
        " values (2, 'seconds') returning id)"
        " update django_celery_beat_periodictask set crontab_id = null,"
        " interval_id = (select id from every), date_changed = now() where name = %s",
        NAME,
    )
    system.sql(
        "update django_celery_beat_periodictask set enabled = false"
        " where name = 'cleanup.deleted_messages'"
    )
    changed(system)


def stop(system: System) -> None:
    system.sql("update django_celery_beat_periodictask set enabled = false where name = %s", NAME)
    changed(system)


def changed(system: System) -> None:
    """Tell beat, as the admin's save does."""
    system.sql(
        "insert into django_celery_beat_periodictasks (ident, last_update) values (1, now())"
        " on conflict (ident) do update set last_update = now()"
    )
