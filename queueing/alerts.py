"""ALERT RULES (S127, S129): what is wrong with a queue becomes an incident, told once and once again
when it is over.

Rules are looked at every half minute, by two workers that serve different queues. An incident is one
row for rule and queue while it is open; it is over when the rule has not held for a while, so that
what comes and goes is one incident. Telling is done outside any transaction, under a lease on the
row, and tried again until it gets through.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from celery import shared_task
from django.conf import settings
from django.db import transaction

from queueing import counts, lanes
from queueing.announcements import OPENED, RESOLVED, Untold, ways
from queueing.ids import uuid7
from queueing.models import AlertIncident
from queueing.postgres import execute, fetch
from queueing.queues import DELIVERY, Queue

DEAD_LETTERS, FAILURE_RATE = "DeadLetters", "FailureRateHigh"
OLDEST, NO_WORKERS = "OldestJobTooOld", "NoWorkers"
RULES = (DEAD_LETTERS, FAILURE_RATE, OLDEST, NO_WORKERS)  # each has a heading in docs/operate.md

LEAST_ENDED = 20  # jobs below which a rate says nothing
CALM = 120  # seconds that a rule must not have held until its incident is over
TELL_HOURS = 24  # after which nobody is told any more
SECONDS = 60  # that telling of one incident may take, until another worker tries

# A row that is there is seen again; `xmax` is 0 in one that is new.
SEE = """
    INSERT INTO alert_incidents AS a (id, rule, queue, facts)
    VALUES (%(id)s::uuid, %(rule)s, %(queue)s, %(facts)s::jsonb)
    ON CONFLICT (rule, queue) WHERE resolved_at IS NULL
    DO UPDATE SET seen_at = now(), facts = excluded.facts RETURNING xmax = 0"""
RESOLVE = """
    UPDATE alert_incidents SET resolved_at = now()
    WHERE resolved_at IS NULL AND seen_at < now() - make_interval(secs => %(calm)s::int)
    RETURNING rule, queue"""
UNTOLD = """
    SELECT id FROM alert_incidents
    WHERE coalesce(resolved_at, opened_at) > now() - make_interval(hours => %(hours)s::int)
      AND NOT told @> CASE WHEN resolved_at IS NULL THEN %(opened)s::varchar[]
                           ELSE %(both)s::varchar[] END
    ORDER BY id"""
LEASE = """
    UPDATE alert_incidents SET telling_until = now() + make_interval(secs => %(seconds)s::int)
    WHERE id = %(id)s::uuid AND (telling_until IS NULL OR telling_until < now())"""
TOLD = """
    UPDATE alert_incidents SET told = array_append(told, %(mark)s::varchar)
    WHERE id = %(id)s::uuid"""
RELEASE = "UPDATE alert_incidents SET telling_until = NULL WHERE id = %(id)s::uuid"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that holds for a queue now, with the numbers that say so."""

    rule: str
    queue: Queue
    facts: dict[str, Any]


@shared_task(name="alerts.evaluate", ignore_result=True, max_retries=None, soft_time_limit=60)
def evaluate_rules() -> str:
    """Look, and tell; the counts, for Flower."""
    opened, resolved = evaluate()
    return f"opened={opened} resolved={resolved} told={tell()}"


def evaluate() -> tuple[int, int]:
    """Open and end incidents as the rules hold now; how many."""
    opened = []
    with transaction.atomic():
        for found in findings():
            values = {"id": uuid7(), "rule": found.rule, "queue": found.queue.name}
            [(is_new,)] = fetch(SEE, values | {"facts": json.dumps(found.facts)})
            if is_new:
                opened.append(found)
        resolved = fetch(RESOLVE, {"calm": CALM})
    for found in opened:
        log.warning("alert %s opened: %s %s", found.rule, found.queue.name, found.facts)
    for rule, queue in resolved:
        log.warning("alert %s resolved: %s", rule, queue)
    return len(opened), len(resolved)


def findings() -> Iterator[Finding]:
    """What holds now."""
    lately, workers = counts.recent(settings.ALERT_WINDOW_MINUTES), lanes.served()
    for standing in lanes.standings():
        queue, recent = standing.queue, lately[standing.queue]
        ended = {"failed": recent.failed, "minutes": settings.ALERT_WINDOW_MINUTES}
        if recent.failed >= settings.ALERT_FAILED_JOBS:
            yield Finding(DEAD_LETTERS, queue, ended)
        percent = round(recent.failure_rate * 100, 2)
        enough = recent.failed + recent.completed >= LEAST_ENDED
        if enough and percent >= settings.ALERT_FAILURE_PERCENT:
            yield Finding(FAILURE_RATE, queue, ended | {"percent": percent})
        limit = longest_wait(queue)
        if standing.oldest > limit and not standing.paused:
            yield Finding(OLDEST, queue, {"seconds": round(standing.oldest), "limit": limit})
        if workers[queue.name] == 0:
            yield Finding(NO_WORKERS, queue, {"workers": 0, "due": standing.due})


def longest_wait(queue: Queue) -> int:
    """Seconds that a due job of *queue* may wait before somebody is told."""
    limit: int = (
        settings.ALERT_DELIVERY_SECONDS if queue is DELIVERY else settings.ALERT_OTHER_SECONDS
    )
    return limit


def tell() -> int:
    """Tell of what has not been told; how many got through. A way that fails is left till next time."""
    open_ways = dict(ways())
    marks = {event: [f"{event}:{way}" for way in open_ways] for event in (OPENED, RESOLVED)}
    values = {"opened": marks[OPENED], "both": marks[OPENED] + marks[RESOLVED]}
    told = 0
    for (key,) in fetch(UNTOLD, values | {"hours": TELL_HOURS}):
        if execute(LEASE, {"id": key, "seconds": SECONDS}):
            told += _tell_of(AlertIncident.objects.get(pk=key), open_ways)
            execute(RELEASE, {"id": key})
    return told


def _tell_of(incident: AlertIncident, open_ways: dict[str, Any]) -> int:
    """Tell of *incident* by *open_ways*, without those that turn out to be broken."""
    told = 0
    for event in (OPENED, RESOLVED) if incident.resolved_at else (OPENED,):
        for way in list(open_ways):
            mark = f"{event}:{way}"
            if mark in incident.told:
                continue
            try:
                open_ways[way](incident, event)
            except Untold as error:
                log.warning("alert %s not told by %s: %s", incident.rule, way, error)
                del open_ways[way]
            else:
                execute(TOLD, {"id": incident.pk, "mark": mark})
                told += 1
    return told
