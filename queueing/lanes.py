"""How each lane stands and which worker serves it."""

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from queueing.postgres import execute, fetch
from queueing.queues import BY_NAME, QUEUES, Queue

COUNTED = 1000  # a longer backlog is not counted to its end
ALIVE = 15  # seconds since a worker was last heard of, while it counts as serving

# One look at the index for each lane and priority: what is scheduled for later is never read.
STANDINGS = """
    WITH parts AS (
        SELECT q.name, due.count, due.first, soon.any AS soon
        FROM unnest(%(queues)s::text[]) AS q(name)
        CROSS JOIN unnest('{0,1,2,3}'::smallint[]) AS p(priority)
        CROSS JOIN LATERAL (SELECT count(*), min(run_at) AS first FROM (
            SELECT run_at FROM jobs
            WHERE state = 'waiting' AND crashes = 0 AND queue = q.name
              AND priority = p.priority AND run_at <= now()
            ORDER BY run_at LIMIT %(counted)s::int) rows) due
        CROSS JOIN LATERAL (SELECT EXISTS (
            SELECT 1 FROM jobs
            WHERE state = 'waiting' AND crashes = 0 AND queue = q.name AND priority = p.priority
              AND run_at > now() AND run_at <= now() + interval '1 second') AS any) soon
        UNION ALL
        SELECT q.name, due.count, due.first, false FROM unnest(%(queues)s::text[]) AS q(name)
        CROSS JOIN LATERAL (SELECT count(*), min(run_at) AS first FROM (
            SELECT run_at FROM jobs
            WHERE state = 'waiting' AND crashes > 0 AND queue = q.name AND run_at <= now()
            ORDER BY run_at LIMIT %(counted)s::int) rows) due)
    SELECT name, sum(count)::int, coalesce(extract(epoch FROM now() - min(first)), 0)::float8,
        bool_or(soon), EXISTS (SELECT 1 FROM jobs WHERE state = 'active' AND queue = name),
        EXISTS (SELECT 1 FROM lane_controls c
                WHERE c.queue IN ('', name) AND c.tenant_id IS NULL AND c.provider = ''
                  AND (c.paused_until IS NULL OR c.paused_until > now()))
    FROM parts GROUP BY name"""

HEARTBEAT = """
    INSERT INTO workers (id, name, hostname, pid, processes, queues)
    VALUES (%(id)s::uuid, %(name)s, %(hostname)s, %(pid)s::int, %(processes)s::smallint,
        %(queues)s::text[])
    ON CONFLICT (id) DO UPDATE SET seen_at = now()"""

SERVED = """
    SELECT queue, count(*) FROM workers, unnest(queues) AS queue
    WHERE seen_at > now() - make_interval(secs => %(alive)s::int) GROUP BY queue"""


@dataclass(frozen=True, slots=True)
class Standing:
    """A lane at one moment."""

    queue: Queue
    due: int  # counted up to COUNTED a priority
    oldest: float  # seconds that the oldest of them has been due
    soon: bool  # whether something falls due within a second
    active: bool
    paused: bool


@dataclass(frozen=True, slots=True)
class Identity:
    """A worker as it introduces itself."""

    id: UUID
    name: str
    processes: int
    queues: tuple[Queue, ...]

    def beat(self) -> None:
        """Say that this worker lives."""
        values = {
            "id": self.id,
            "name": self.name,
            "hostname": socket.gethostname(),
            "pid": os.getpid(),
            "processes": self.processes,
            "queues": [queue.name for queue in self.queues],
        }
        execute(HEARTBEAT, values)

    def leave(self) -> None:
        """Say that this worker ends."""
        execute("DELETE FROM workers WHERE id = %(id)s::uuid", {"id": self.id})


def standings(queues: Sequence[Queue] = QUEUES) -> list[Standing]:
    """How each of *queues* stands."""
    values = {"queues": [queue.name for queue in queues], "counted": COUNTED}
    return [Standing(BY_NAME[name], *rest) for name, *rest in fetch(STANDINGS, values)]


def served() -> dict[str, int]:
    """The number of living workers of every queue, by wire name."""
    found = dict(fetch(SERVED, {"alive": ALIVE}))
    return {queue.name: found.get(queue.name, 0) for queue in QUEUES}
