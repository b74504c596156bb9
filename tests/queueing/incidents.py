"""What tests of alerts begin with: queues that are unwell, time that goes by, somebody who is told."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from celery import current_app

from queueing.models import AlertIncident, QueueMinute
from queueing.postgres import execute
from queueing.queues import Queue
from tests.queueing.kinds import PROBES, TENANT


class Receiver:
    """An HTTP server on this machine that keeps what is posted, and answers as it is told."""

    def __init__(self) -> None:
        self.status = 204
        self.bodies: list[dict[str, Any]] = []
        self.gets = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.bodies.append(json.loads(raw))
                self.send_response(receiver.status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                receiver.gets += 1
                self.send_error(404)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        Thread(target=self.server.serve_forever, daemon=True).start()


def ended(queue: Queue, *, completed: int = 0, failed: int = 0, minutes: int = 0) -> None:
    """Let so many jobs have ended so long ago."""
    row = QueueMinute.objects.create(
        queue=queue.name, minute="2026-01-01T00:00Z", completed=completed, failed=failed
    )
    execute(
        "UPDATE queue_minutes SET minute = now() - make_interval(mins => %(age)s::int)"
        " WHERE id = %(id)s::bigint",
        {"age": minutes, "id": row.pk},
    )


def waiting(queue: Queue, seconds: int) -> None:
    """Let a job of *queue* have been due for so long."""
    job = PROBES[queue.name].enqueue(tenant_id=TENANT, args={"messageId": "quetzal"})
    execute(
        "UPDATE jobs SET run_at = now() - make_interval(secs => %(age)s::int)"
        " WHERE id = %(id)s::uuid",
        {"age": seconds, "id": job},
    )


def pass_by(seconds: int) -> None:
    """Let all that is known of incidents be so much older."""
    execute(
        "UPDATE alert_incidents SET seen_at = seen_at - make_interval(secs => %(age)s::int),"
        " opened_at = opened_at - make_interval(secs => %(age)s::int)",
        {"age": seconds},
    )


def look() -> str:
    """What beat starts."""
    said: str = current_app.tasks["alerts.evaluate"]()
    return said


def incidents() -> list[tuple[str, str, bool]]:
    """Rule, queue and whether it is over, of all that is kept."""
    rows = AlertIncident.objects.order_by("rule", "queue", "opened_at")
    return [(row.rule, row.queue, row.resolved_at is not None) for row in rows]
