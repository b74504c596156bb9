"""Taking jobs back from the dead: holders that left PostgreSQL, silent workers, lapsed leases."""

from itertools import groupby

from queueing.claims import COLUMNS, claimed
from queueing.postgres import fetch
from queueing.settlement import put_back
from queueing.verdicts import mourn

SILENT = 20  # seconds without a heartbeat after which a worker's host counts as dead

# All processes share one role: of another role's back ends PostgreSQL does not show the start.
GONE = f"""
    WITH present AS MATERIALIZED (SELECT pid, backend_start FROM pg_stat_activity)
    SELECT {COLUMNS} FROM jobs j
    WHERE j.state = 'active' AND (
        j.lease_until < now()
        OR NOT EXISTS (SELECT 1 FROM present p
                       WHERE p.pid = j.holder_pid AND p.backend_start = j.holder_start)
        OR EXISTS (SELECT 1 FROM workers w WHERE w.id = j.worker_id
                   AND w.seen_at < now() - make_interval(secs => {SILENT})))
    ORDER BY j.id FOR UPDATE OF j SKIP LOCKED"""


def free() -> int:
    """Put back or bury the jobs whose holder is gone, inside the caller's transaction."""
    lost = sorted(map(claimed, fetch(GONE)), key=lambda job: job.token)
    for _, jobs in groupby(lost, key=lambda job: job.token):
        put_back([mourn(job) for job in jobs])
    return len(lost)
