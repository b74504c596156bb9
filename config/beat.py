"""The clock: celery-beat's database scheduler, with one leader and rows that are the operators'.

Two beats are one: who holds the advisory lock leads, the others look on and take over. Each run is
sent with the time that it is for, so that one sent twice is done once. Where Redis does not take it,
beat runs it itself, so that no day is left out.
"""

import logging
from datetime import UTC, datetime
from typing import Any

from celery.schedules import crontab, schedule
from celery.utils.time import maybe_make_aware
from django.db import DatabaseError, InterfaceError, close_old_connections
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from config.schedule import SCHEDULE, Periodic
from queueing import periodic
from queueing.postgres import fetch

LOCK = 0x77617862  # the advisory lock's key
LOOK = 1.0  # seconds until who does not lead looks again
LEAD = """
    SELECT pg_backend_pid(),
        CASE WHEN pg_backend_pid() = %(leading)s::int THEN true
             ELSE pg_try_advisory_lock(%(key)s::int) END"""

log = logging.getLogger(__name__)


class Scheduler(DatabaseScheduler):  # type: ignore[misc]
    """Reads celery-beat's tables, and leads or looks on."""

    _leading = 0  # the back end that holds our lock

    def setup_schedule(self) -> None:
        """Write what is missing; nothing that is there is touched."""
        write_absent()

    def tick(self, *args: Any, **options: Any) -> float:
        """Send what is due, if we lead; seconds until the next look."""
        if not self.leads():
            return LOOK
        wait: float = super().tick(*args, **options)
        return wait

    def leads(self) -> bool:
        """Whether this beat is the one; who has just become it reads the tables afresh."""
        try:
            close_old_connections()
            [(pid, leads)] = fetch(LEAD, {"leading": self._leading, "key": LOCK})
        except (DatabaseError, InterfaceError) as error:
            log.warning("beat: PostgreSQL answered %s", type(error).__name__)
            leads, pid = False, 0
        if leads and not self._leading:
            self._initial_read, self._heap = True, None
            log.info("beat: leading")
        self._leading = pid if leads else 0
        return bool(leads)

    def apply_async(self, entry: Any, producer: Any = None, advance: bool = True, **_: Any) -> Any:
        """Send one run with its window, or run it here where it cannot be sent."""
        window = window_of(entry)
        if entry.task in periodic.names():
            entry.kwargs = {"window": window.isoformat()}
        try:
            return super().apply_async(entry, producer=producer, advance=advance)
        except Exception as error:
            if entry.task not in periodic.names():
                log.warning("beat: %s not sent (%s)", entry.name, type(error).__name__)
                return None  # it comes again soon, and nothing depends on it
            log.warning("beat: %s not sent (%s), run here", entry.name, type(error).__name__)
            return periodic.run(entry.task, window)


def window_of(entry: Any) -> datetime:
    """The time that the due run of *entry* is for: the first one after its last run."""
    last = maybe_make_aware(entry.last_run_at)
    if isinstance(entry.schedule, crontab):
        start, delta, _ = entry.schedule.remaining_delta(last)
        due: datetime = start + delta
    elif isinstance(entry.schedule, schedule):
        due = last + entry.schedule.run_every  # type: ignore[attr-defined]
    else:
        due = datetime.now(UTC).replace(second=0, microsecond=0)
    return due.astimezone(UTC)


def write_absent() -> list[str]:
    """Write the lines of the schedule that have no row; their names."""
    there = set(PeriodicTask.objects.values_list("name", flat=True))
    missing = [line for line in SCHEDULE if line.name not in there]
    for line in missing:
        PeriodicTask.objects.get_or_create(
            name=line.name,
            defaults={
                "task": line.task or line.name,
                "queue": line.queue.name,
                "description": line.description,
                "expire_seconds": line.period,
                **times_of(line),
            },
        )
    return [line.name for line in missing]


def times_of(line: Periodic) -> dict[str, Any]:
    """When *line* runs, as celery-beat has it; an equal row is shared."""
    if line.every:
        wanted = {"every": line.every, "period": IntervalSchedule.SECONDS}
        found = IntervalSchedule.objects.filter(**wanted).first()
        return {"interval": found or IntervalSchedule.objects.create(**wanted)}
    day = {"day_of_week": "*", "day_of_month": "*", "month_of_year": "*", "timezone": "UTC"}
    cron = {"minute": line.minute, "hour": line.hour, **day}
    crontab_row = CrontabSchedule.objects.filter(**cron).first()
    return {"crontab": crontab_row or CrontabSchedule.objects.create(**cron)}
