"""How claimed jobs end: completed, put back or buried. Always under the token, always all of them.

Every function here runs inside the transaction of the jobs' effects and raises LeaseLost, which
undoes them, where a job is no longer ours.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings

from queueing.errors import LeaseLost
from queueing.ids import last_of, run_of
from queueing.postgres import execute, fetch
from queueing.records import COUNT, keep
from queueing.registry import SUCCESS, Claimed
from queueing.verdicts import Verdict

UNHELD = "token = NULL, holder_pid = NULL, holder_start = NULL, lease_until = NULL"

# Rows are locked in the order of their ids before anything is written to them.
MINE = """
    mine AS MATERIALIZED (
        SELECT j.id FROM jobs j JOIN given g ON g.id = j.id
        WHERE j.token = %(token)s::uuid AND j.state = 'active' ORDER BY j.id FOR UPDATE OF j)"""

# Completing a position turns the run's blocked rows at the next one to waiting, or where a cancel
# was asked for, all that are left to cancelled.
COMPLETE = f"""
    WITH given AS MATERIALIZED (
        SELECT * FROM unnest(%(ids)s::uuid[], %(lasts)s::uuid[], %(results)s::text[])
            AS g(id, last, result)),
    {MINE},
    done AS (
        UPDATE jobs j SET state = 'completed', attempts = j.attempts + 1, {UNHELD},
            result = g.result::jsonb, finished_at = statement_timestamp(),
            expires_at = statement_timestamp() + make_interval(hours => %(hours)s::int)
        FROM given g JOIN mine m ON m.id = g.id WHERE j.id = g.id
        RETURNING j.id, g.last, j.queue, j.cancel_requested, j.finished_at - j.started_at AS took),
    next AS (
        UPDATE jobs n SET run_at = now(),
            state = CASE WHEN d.cancel_requested THEN 'cancelled' ELSE 'waiting' END,
            finished_at = CASE WHEN d.cancel_requested THEN statement_timestamp() END,
            expires_at = CASE WHEN d.cancel_requested
                THEN statement_timestamp() + make_interval(hours => %(hours)s::int) END
        FROM done d
        WHERE n.id > d.id AND n.id <= d.last AND n.state = 'blocked'
          AND (d.cancel_requested OR n.position = (
              SELECT min(b.position) FROM jobs b
              WHERE b.id > d.id AND b.id <= d.last AND b.state = 'blocked'))
        RETURNING n.queue, n.state),
    counted AS ({
    COUNT.format(
        rows='''
        SELECT queue, date_trunc('minute', statement_timestamp()), pg_backend_pid(),
            count(*), 0, 0, 0, sum(extract(epoch FROM took))
        FROM done GROUP BY queue ORDER BY queue'''
    )
})
    SELECT (SELECT count(*) FROM done),
        ARRAY(SELECT DISTINCT queue FROM next WHERE state = 'waiting')"""

PUT = f"""
    WITH given AS MATERIALIZED (
        SELECT * FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(attempts)s::int[],
                %(crashes)s::int[], %(deferrals)s::int[], %(waits)s::float8[], %(codes)s::text[],
                %(fingerprints)s::text[], %(texts)s::text[], %(progressed)s::boolean[])
            AS g(id, state, attempt, crash, deferral, wait, code, fingerprint, text, progressed)),
    {MINE},
    ends AS (
        SELECT g.*, CASE WHEN j.cancel_requested AND g.state = 'waiting' THEN 'cancelled'
                    ELSE g.state END AS becomes
        FROM given g JOIN mine m ON m.id = g.id JOIN jobs j ON j.id = g.id)
    UPDATE jobs j SET state = e.becomes, {UNHELD}, attempts = j.attempts + e.attempt,
        crashes = CASE WHEN e.progressed THEN 0 ELSE j.crashes + e.crash END,
        attempts_base = CASE WHEN e.progressed THEN j.attempts ELSE j.attempts_base END,
        deferrals = j.deferrals + e.deferral,
        run_at = CASE WHEN e.wait IS NULL THEN j.run_at WHEN e.wait = 0 THEN now()
                 ELSE statement_timestamp() + make_interval(secs => e.wait) END,
        error_class = coalesce(e.code, j.error_class), error = coalesce(e.text, j.error),
        error_fingerprint = coalesce(e.fingerprint, j.error_fingerprint),
        finished_at = CASE WHEN e.becomes <> 'waiting' THEN statement_timestamp() END,
        expires_at = CASE e.becomes
            WHEN 'failed' THEN statement_timestamp() + make_interval(days => %(days)s::int)
            WHEN 'cancelled' THEN statement_timestamp() + make_interval(hours => %(hours)s::int) END
    FROM ends e WHERE j.id = e.id RETURNING j.id, j.state"""

CANCEL_AFTER = """
    WITH rest AS MATERIALIZED (
        SELECT j.id FROM unnest(%(ids)s::uuid[], %(lasts)s::uuid[]) AS g(id, last)
        JOIN jobs ended ON ended.id = g.id
        JOIN jobs j ON j.id > g.id AND j.id <= g.last AND j.position > ended.position
        WHERE j.state = 'blocked' ORDER BY j.id FOR UPDATE OF j)
    UPDATE jobs j SET state = 'cancelled', finished_at = statement_timestamp(),
        expires_at = statement_timestamp() + make_interval(hours => %(hours)s::int)
    FROM rest WHERE j.id = rest.id"""


def complete(jobs: Sequence[Claimed], results: Mapping[UUID, Mapping[str, Any]]) -> list[str]:
    """Complete *jobs*, all of one claim; the queues whose rows became ready by it."""
    if not jobs:
        return []
    values = {
        "ids": [job.id for job in jobs],
        "lasts": [last_of(job.run_id) for job in jobs],
        "results": [json.dumps(results.get(job.id, SUCCESS), default=str) for job in jobs],
        "token": jobs[0].token,
        "hours": settings.QUEUEING_COMPLETED_HOURS,
    }
    [(count, queues)] = fetch(COMPLETE, values)
    if count != len(jobs):
        raise LeaseLost
    return list(queues)


def put_back(verdicts: Sequence[Verdict], task_id: str = "") -> None:
    """Put back or bury jobs of one claim, as the *verdicts* say, and keep why."""
    if not verdicts:
        return
    states = dict(fetch(PUT, _columns(verdicts)))
    if len(states) != len(verdicts):
        raise LeaseLost
    cancel_after([id_ for id_, state in states.items() if state == "cancelled"])
    keep(verdicts, task_id)


def _columns(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    troubles = [verdict.trouble for verdict in verdicts]
    return {
        "ids": [verdict.job.id for verdict in verdicts],
        "states": [verdict.state for verdict in verdicts],
        "attempts": [verdict.attempt for verdict in verdicts],
        "crashes": [verdict.crash for verdict in verdicts],
        "deferrals": [verdict.deferral for verdict in verdicts],
        "waits": [verdict.wait for verdict in verdicts],
        "codes": [trouble and trouble.code for trouble in troubles],
        "fingerprints": [trouble and trouble.fingerprint for trouble in troubles],
        "texts": [trouble and trouble.text for trouble in troubles],
        "progressed": [verdict.progressed for verdict in verdicts],
        "token": verdicts[0].job.token,
        "hours": settings.QUEUEING_COMPLETED_HOURS,
        "days": settings.QUEUEING_FAILED_DAYS,
    }


def cancel_after(jobs: Sequence[UUID]) -> None:
    """Cancel what waits in the runs of *jobs*, given by id, for them to be done."""
    if jobs:
        values = {
            "ids": jobs,
            "lasts": [last_of(run_of(job)) for job in jobs],
            "hours": settings.QUEUEING_COMPLETED_HOURS,
        }
        execute(CANCEL_AFTER, values)
