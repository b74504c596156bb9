"""Keeping the ledger small: what has ended goes when its time is over, minutes are summed up."""

from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from queueing.postgres import execute

BATCH = 1000  # rows of one commit
MOST_BATCHES = 200  # of one run; the next one is near
MINUTE_DAYS = 35  # that counts are kept by the minute; after that by the day, for good
RUN_DAYS = 30  # that windows of periodic jobs are kept
ALERT_DAYS = 90  # that alerts are kept which are over
SKEW = timedelta(minutes=5)  # between our clock, which the ids are from, and PostgreSQL's

# What is younger than the shortest time that anything is kept, is not looked at: ids are times.
EXPIRED = """
    WITH expired AS MATERIALIZED (
        SELECT id FROM jobs
        WHERE id < %(newest)s::uuid AND expires_at < now()
          AND state IN ('completed', 'failed', 'cancelled')
        ORDER BY id LIMIT %(batch)s::int FOR UPDATE SKIP LOCKED),
    attempts AS (DELETE FROM job_attempts a USING expired e WHERE a.job_id = e.id)
    DELETE FROM jobs j USING expired e WHERE j.id = e.id"""

# Rows become parts of another one, so that sums over all of them never fall: they are counters.
MERGE = """
    WITH parts AS (DELETE FROM queue_minutes WHERE {which} RETURNING *, {into} AS whole)
    INSERT INTO queue_minutes AS m
        (queue, minute, holder, completed, failed, retried, crashed, seconds)
    SELECT queue, whole, 0, sum(completed), sum(failed), sum(retried), sum(crashed), sum(seconds)
    FROM parts GROUP BY queue, whole
    ON CONFLICT (queue, minute, holder) DO UPDATE SET
        completed = m.completed + excluded.completed, failed = m.failed + excluded.failed,
        retried = m.retried + excluded.retried, crashed = m.crashed + excluded.crashed,
        seconds = m.seconds + excluded.seconds"""
SUM_UP = MERGE.format(
    which="holder <> 0 AND minute < date_trunc('minute', now()) - interval '1 minute'",
    into="minute",
)
DAY = "date_trunc('day', minute, 'UTC')"
SUM_UP_DAYS = MERGE.format(
    which=f"minute < now() - interval '{MINUTE_DAYS} days' AND minute <> {DAY}", into=DAY
)

FORGET = (
    f"DELETE FROM scheduled_runs WHERE \"window\" < now() - interval '{RUN_DAYS} days'",
    f"DELETE FROM alert_incidents WHERE resolved_at < now() - interval '{ALERT_DAYS} days'",
    "DELETE FROM workers WHERE seen_at < now() - interval '1 hour'",
)


@shared_task(name="cleanup.prune", ignore_result=True, max_retries=None)
def prune_ledger() -> str:
    """Prune; the counts, for Flower. Two at once do no harm: each takes what the other leaves."""
    return " ".join(f"{name}={count}" for name, count in prune().items())


def prune() -> dict[str, int]:
    """Delete what is over, batch by batch, and sum up the minutes; the counts."""
    deleted = 0
    for _ in range(MOST_BATCHES):
        count = execute(EXPIRED, {"newest": newest_that_may_go(), "batch": BATCH})
        deleted += count
        if count < BATCH:
            break
    minutes = execute(SUM_UP)
    execute(SUM_UP_DAYS)
    for statement in FORGET:
        execute(statement)
    return {"jobs": deleted, "minutes": minutes}


def newest_that_may_go() -> UUID:
    """The lowest id that a job could have which is too young to be deleted."""
    kept = timedelta(hours=settings.QUEUEING_COMPLETED_HOURS)
    milliseconds = int((timezone.now() - kept + SKEW).timestamp() * 1000)
    return UUID(int=milliseconds << 80)
