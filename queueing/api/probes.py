"""/live and /ready, for whoever keeps the processes running."""

import logging
from typing import Any

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from queueing import health, wakeup
from queueing.queues import QUEUES

log = logging.getLogger(__name__)

_migrated: set[str] = set()  # {"yes"} once it was so: nobody takes migrations back under a process


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers."""
    return JsonResponse({"status": "live"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 when messages can be accepted and every queue is served; without Redis still 200."""
    checks = {"postgres": False, "redis": wakeup.answers(), "migrations": False}
    workers: dict[str, int] = {}
    try:
        checks["migrations"] = is_migrated()
        workers = health.served() if checks["migrations"] else {}
        checks["postgres"] = True
    except DatabaseError as error:
        log.warning("not ready: PostgreSQL answered %s", type(error).__name__)
    queues = {queue.name: of(workers.get(queue.name, 0)) for queue in QUEUES}
    fit = checks["postgres"] and checks["migrations"] and all(q["served"] for q in queues.values())
    word = "unavailable" if not fit else "ready" if checks["redis"] else "degraded"
    answer = {"status": word, "checks": checks, "queues": queues}
    return JsonResponse(answer, status=200 if fit else 503)


def of(workers: int) -> dict[str, Any]:
    """What is said of a queue that so many *workers* serve."""
    return {"served": workers > 0, "workers": workers}


def is_migrated() -> bool:
    """Whether the database has every migration that this code knows."""
    if not _migrated:
        executor = MigrationExecutor(connection)
        if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
            _migrated.add("yes")
        return bool(_migrated)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return True
