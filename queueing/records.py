"""What is kept of tries that ended badly: rows, the minute's counts, the news of the dead."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from django.db import transaction

from queueing.postgres import execute
from queueing.signals import job_failed
from queueing.verdicts import Verdict

log = logging.getLogger(__name__)

RECORD = """
    INSERT INTO job_attempts (job_id, generation, number, outcome, error_class, error_fingerprint,
        error, location, worker_id, task_id, started_at, ended_at)
    SELECT g.*, statement_timestamp() FROM unnest(%(ids)s::uuid[], %(generations)s::smallint[],
        %(numbers)s::smallint[], %(outcomes)s::text[], %(codes)s::text[], %(fingerprints)s::text[],
        %(texts)s::text[], %(locations)s::text[], %(workers)s::uuid[], %(tasks)s::text[],
        %(starts)s::timestamptz[]) AS g"""

COUNT = """
    INSERT INTO queue_minutes AS m
        (queue, minute, holder, completed, failed, retried, crashed, seconds)
    {rows}
    ON CONFLICT (queue, minute, holder) DO UPDATE SET
        completed = m.completed + excluded.completed, failed = m.failed + excluded.failed,
        retried = m.retried + excluded.retried, crashed = m.crashed + excluded.crashed,
        seconds = m.seconds + excluded.seconds"""

COUNT_BAD = COUNT.format(
    rows="""
    SELECT g.queue, date_trunc('minute', statement_timestamp()), pg_backend_pid(), 0,
        g.failed, g.retried, g.crashed, 0
    FROM unnest(%(queues)s::text[], %(failed)s::int[], %(retried)s::int[], %(crashed)s::int[])
        AS g(queue, failed, retried, crashed)"""
)


def keep(verdicts: Sequence[Verdict], task_id: str = "") -> None:
    """Record the tries among *verdicts* that ended badly, and tell of the dead letters."""
    bad = [verdict for verdict in verdicts if verdict.attempt or verdict.crash]
    if bad:
        _record(bad, task_id)
        _count(bad)
        _announce([verdict for verdict in bad if verdict.state == "failed"])


def _record(bad: Sequence[Verdict], task_id: str) -> None:
    jobs = [verdict.job for verdict in bad]
    troubles = [verdict.trouble for verdict in bad if verdict.trouble is not None]
    values = {
        "ids": [job.id for job in jobs],
        "generations": [job.generation for job in jobs],
        "numbers": [v.job.attempts + 1 if v.attempt else v.job.crashes + 1 for v in bad],
        "outcomes": [trouble.outcome for trouble in troubles],
        "codes": [trouble.code for trouble in troubles],
        "fingerprints": [trouble.fingerprint for trouble in troubles],
        "texts": [trouble.text for trouble in troubles],
        "locations": [trouble.location for trouble in troubles],
        "workers": [job.worker_id for job in jobs],
        "tasks": [task_id] * len(jobs),
        "starts": [job.started_at for job in jobs],
    }
    execute(RECORD, values)


def _count(bad: Sequence[Verdict]) -> None:
    failed = Counter(verdict.job.queue for verdict in bad if verdict.state == "failed")
    crashed = Counter(verdict.job.queue for verdict in bad if verdict.crash)
    retried = Counter(verdict.job.queue for verdict in bad if verdict.state != "failed")
    queues = sorted({verdict.job.queue for verdict in bad})
    values = {
        "queues": queues,
        "failed": [failed[queue] for queue in queues],
        "retried": [retried[queue] for queue in queues],
        "crashed": [crashed[queue] for queue in queues],
    }
    execute(COUNT_BAD, values)


def _announce(dead: Sequence[Verdict]) -> None:
    """Tell the listeners; one that raises is logged, for it may not keep a job from ending."""
    for verdict in dead:
        job = replace(verdict.job, attempts=verdict.job.attempts + verdict.attempt)
        error = verdict.trouble and verdict.trouble.error
        try:
            with transaction.atomic():
                job_failed.send(sender=job.kind, jobs=[job], error=error)
        except Exception as trouble:
            log.error("job %s failed and a listener raised %s", job.id, type(trouble).__name__)
