"""Taking jobs from the ledger: a commit of its own that touches no counter.

A claim sets a token (the fence of every later step), a lease, and who holds it: the back end in
PostgreSQL, known by pid and start, and the worker. All times are PostgreSQL's.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from queueing.ids import run_of
from queueing.postgres import fetch
from queueing.queues import BY_NAME, Queue
from queueing.registry import Claimed

LIMIT = 200  # beyond it batches gain nothing and hold their locks longer
COMPANY = (50, 12, 1)  # how many rows that crashed once, twice, three times and more go together
TENANT_PAUSE = 60  # seconds until a row of a paused tenant is looked at again, at the latest

COLUMNS = (
    "j.id, j.tenant_id, j.kind, j.queue, j.priority, j.args, j.subject_id, j.owner_id, j.attempts,"
    " j.attempts_base, j.crashes, j.deferrals, j.generation, j.weight, j.traceparent,"
    " j.created_at, j.started_at, j.worker_id, j.token"
)

# Only the claim may be lost in a crash of PostgreSQL: it is then made again. The effects' commit
# makes an earlier claim durable with it.
OPEN_LANE = """
    quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
    lane AS MATERIALIZED (
        SELECT 1 FROM quick WHERE NOT EXISTS (
            SELECT 1 FROM lane_controls c
            WHERE c.queue IN ('', %(queue)s::text) AND c.tenant_id IS NULL AND c.provider = ''
              AND (c.paused_until IS NULL OR c.paused_until > now()))),
    me AS MATERIALIZED (
        SELECT pid, backend_start FROM pg_stat_get_activity(pg_backend_pid()))"""

# By priority one after the other: one ORDER BY over all would sort everything that is scheduled.
READY = """
    due AS MATERIALIZED (
        SELECT ready.id FROM lane, unnest('{0,1,2,3}'::smallint[]) AS p(priority)
        CROSS JOIN LATERAL (
            SELECT j.id FROM jobs j
            WHERE j.state = 'waiting' AND j.crashes = 0 AND j.queue = %(queue)s::text
              AND j.priority = p.priority AND j.run_at <= now()
            ORDER BY j.run_at, j.id LIMIT %(limit)s::int FOR UPDATE SKIP LOCKED) ready
        LIMIT %(limit)s::int)"""

# The next one that crashed before, with as many as have crashed as often: who kills ends up alone.
CRASHED = """
    first AS MATERIALIZED (
        SELECT least(j.crashes, 3) AS crashes FROM lane, jobs j
        WHERE j.state = 'waiting' AND j.crashes > 0 AND j.queue = %(queue)s::text
          AND j.run_at <= now()
        ORDER BY j.run_at, j.id LIMIT 1 FOR UPDATE OF j SKIP LOCKED),
    due AS MATERIALIZED (
        SELECT j.id FROM jobs j
        WHERE j.state = 'waiting' AND j.crashes > 0 AND j.queue = %(queue)s::text
          AND j.run_at <= now() AND least(j.crashes, 3) = (SELECT crashes FROM first)
        ORDER BY j.run_at, j.id
        LIMIT (SELECT (%(company)s::int[])[crashes] FROM first) FOR UPDATE SKIP LOCKED)"""

TAKE = f"""
    UPDATE jobs j SET state = 'active', token = %(token)s::uuid, worker_id = %(worker)s::uuid,
        holder_pid = me.pid, holder_start = me.backend_start, started_at = statement_timestamp(),
        lease_until = now() + make_interval(secs => %(lease)s::int)
    FROM due, me WHERE j.id = due.id
    RETURNING {COLUMNS},
        (SELECT extract(epoch FROM min(least(c.paused_until,
                    now() + make_interval(secs => {TENANT_PAUSE}))) - now())::float8
         FROM lane_controls c
         WHERE c.queue IN ('', j.queue) AND (c.tenant_id IS NOT NULL OR c.provider <> '')
           AND (c.tenant_id IS NULL OR c.tenant_id = j.tenant_id)
           AND (c.provider = '' OR c.provider = j.args ->> 'provider')
           AND (c.paused_until IS NULL OR c.paused_until > now())),
        EXISTS (SELECT 1 FROM jobs o WHERE o.state = 'waiting' AND o.crashes > 0
                AND o.queue = j.queue AND o.run_at <= now())"""

MINE = """
    SELECT id FROM jobs
    WHERE id = ANY (%(ids)s::uuid[]) AND token = %(token)s::uuid AND state = 'active'"""

BACKLOG = """
    SELECT (SELECT count(*) FROM (
                SELECT 1 FROM jobs WHERE state = 'waiting' AND crashes = 0
                  AND queue = %(queue)s::text AND run_at <= now() LIMIT 10000) waiting),
        (SELECT coalesce(extract(epoch FROM now() - min(first.run_at)), 0)::float8
         FROM unnest('{0,1,2,3}'::smallint[]) AS p(priority)
         CROSS JOIN LATERAL (
            SELECT run_at FROM jobs
            WHERE state = 'waiting' AND crashes = 0 AND queue = %(queue)s::text
              AND priority = p.priority AND run_at <= now()
            ORDER BY run_at LIMIT 1) first)"""

me: dict[str, UUID] = {}  # {"worker": id of this process's row}, set by the sweeper before the fork


@dataclass(slots=True)
class Claim:
    """What was taken from a lane at once."""

    jobs: list[Claimed] = field(default_factory=list)
    paused: list[tuple[Claimed, float]] = field(default_factory=list)  # and for how long
    full: bool = False  # there may be more
    crashed: bool = True  # there may be rows that crashed before


def take(queue: Queue, limit: int = LIMIT) -> Claim:
    """Up to *limit* due jobs of *queue*, by priority and age, now held by this process."""
    return _take(queue, READY, limit=limit)


def take_crashed(queue: Queue) -> Claim:
    """Some due jobs of *queue* that crashed before, in fewer company the oftener they did."""
    return _take(queue, CRASHED, company=list(COMPANY))


def _take(queue: Queue, which: str, *, limit: int = 0, **more: Any) -> Claim:
    values = {
        "queue": queue.name,
        "limit": limit,
        "token": uuid4(),
        "worker": me.get("worker"),
        "lease": queue.lease,
        **more,
    }
    rows = fetch(f"WITH {OPEN_LANE}, {which} {TAKE}", values)
    claim = Claim(full=len(rows) == limit, crashed=bool(rows and rows[0][-1]) or not rows)
    for *columns, pause, _ in rows:
        if pause is None:
            claim.jobs.append(claimed(columns))
        else:
            claim.paused.append((claimed(columns), pause))
    claim.jobs.sort(key=lambda job: (job.priority, job.id))
    return claim


def claimed(columns: Sequence[Any]) -> Claimed:
    """The Claimed of a row of COLUMNS."""
    id_, tenant, kind, queue, priority, args, subject, owner, attempts, base, *rest = columns
    limit = base + BY_NAME[queue].attempts
    fixed = (id_, run_of(id_), tenant, kind, queue, priority, json.loads(args), subject, owner)
    return Claimed(*fixed, attempts, base, limit, *rest)


def still_mine(jobs: Sequence[Claimed]) -> list[Claimed]:
    """Those of *jobs*, all of one claim, that nobody has taken away."""
    values = {"ids": [job.id for job in jobs], "token": jobs[0].token}
    ids = {row[0] for row in fetch(MINE, values)}
    return [job for job in jobs if job.id in ids]


def backlog(queue: Queue) -> tuple[int, float]:
    """How many jobs of *queue* are due, counted up to 10,000, and the age of the oldest of them."""
    [(count, oldest)] = fetch(BACKLOG, {"queue": queue.name})
    return count, oldest
