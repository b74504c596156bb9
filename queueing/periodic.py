"""What runs by the clock: a function that runs once for each window of time, whoever asks for it.

Beat says that it is time, through Celery. The row (name, window) says whether it has been done, so a
run that comes twice or late does nothing, and a run and its effects are one commit.
"""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from celery import shared_task
from django.db import transaction

from queueing.postgres import execute
from queueing.queues import Queue

Function = Callable[[], Mapping[str, object] | None]

CLAIM = """
    INSERT INTO scheduled_runs (name, "window") VALUES (%(name)s, %(window)s::timestamptz)
    ON CONFLICT (name, "window") DO NOTHING"""
FINISH = """
    UPDATE scheduled_runs SET finished_at = clock_timestamp(), result = %(result)s::jsonb
    WHERE name = %(name)s AND "window" = %(window)s::timestamptz"""

log = logging.getLogger(__name__)

_functions: dict[str, Function] = {}


def periodic(name: str, *, queue: Queue) -> Callable[[Function], Function]:
    """Make a function runnable by the clock as *name*; its result (ids, counts) is kept.

    It runs inside a transaction, so long work is a job that it enqueues. Its times stand in the
    schedule; the Celery task of the same name runs in *queue*'s worker.
    """

    def declare(function: Function) -> Function:
        if name in _functions:
            raise ValueError(f"there is already a periodic {name}")
        _functions[name] = function

        @shared_task(
            name=name,
            max_retries=None,
            ignore_result=True,
            soft_time_limit=queue.timeout,
        )
        def run_window(window: str = "") -> str:
            moment = datetime.fromisoformat(window) if window else None
            return "done" if run(name, moment) else "done before"

        return function

    return declare


def run(name: str, window: datetime | None = None) -> bool:
    """Run *name* for *window* (for this moment where there is none); False where it was done."""
    moment = window or datetime.now(UTC)
    values = {"name": name, "window": moment}
    with transaction.atomic():
        if not execute(CLAIM, values):
            return False
        result = _functions[name]()
        execute(FINISH, values | {"result": json.dumps(result or {}, default=str)})
    log.info("periodic %s ran for %s", name, moment.isoformat(timespec="seconds"))
    return True


def names() -> set[str]:
    """What can run by the clock in this process."""
    return set(_functions)
