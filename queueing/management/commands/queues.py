"""`manage.py queues`: how they stand; `queues pause NAME --reason …`, `queues resume NAME …`."""

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from queueing import control, health, metrics
from queueing.queues import Queue, find

COLUMNS = ("waiting", "active", "delayed", "paused", "failed", "completed")


class Command(BaseCommand):
    """Shows, pauses and resumes queues."""

    help = "Shows the queues, or pauses or resumes one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("verb", nargs="?", choices=["pause", "resume"])
        parser.add_argument("name", nargs="?", help="as in delivery")
        parser.add_argument("--reason", default="", help="what the audit trail will say")
        parser.add_argument("--minutes", type=int, help="pause for so long; else until resumed")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verb"] is None:
            self.show(as_json=options["json"])
            return
        if not options["reason"]:
            raise CommandError("Say why: --reason …")
        self.act(queue_of(options["name"]), options)

    def act(self, queue: Queue, options: dict[str, Any]) -> None:
        """Pause or resume *queue*."""
        if options["verb"] == "pause":
            minutes = options["minutes"]
            until = timezone.now() + timedelta(minutes=minutes) if minutes else None
            control.pause(queue, until=until, reason=options["reason"])
            self.stdout.write(f"{queue.name} is paused.")
        else:
            was = control.resume(queue, reason=options["reason"])
            self.stdout.write(f"{queue.name} {'runs again' if was else 'was not paused'}.")

    def show(self, *, as_json: bool) -> None:
        """A line for each queue."""
        stats = metrics.snapshot()
        if as_json:
            self.stdout.write(json.dumps(stats, indent=2))
            return
        found = health.everything()["queues"]
        self.stdout.write(f"{'queue':22} {'health':10}" + "".join(f"{c:>11}" for c in COLUMNS))
        for key, row in stats["queues"].items():
            numbers = "".join(f"{row[c]:>11}" for c in COLUMNS)  # type: ignore[literal-required]
            self.stdout.write(f"{row['name']:22} {found[key]['status']:10}{numbers}")


def queue_of(name: str | None) -> Queue:
    """The queue called *name* in any of its forms."""
    queue = find(name or "")
    if queue is None:
        raise CommandError(f"There is no queue {name!r}.")
    return queue
