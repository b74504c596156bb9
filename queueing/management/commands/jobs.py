"""`manage.py jobs list|show|retry|cancel|discard`: the ledger from a shell."""

import json
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from queueing import control
from queueing.errors import LedgerError
from queueing.management.commands.queues import queue_of
from queueing.models import Job

CHAIN = 5  # attempts that are shown
VERBS: dict[str, Callable[..., Job]] = {
    "retry": control.retry,
    "cancel": control.cancel,
    "discard": control.discard,
}


class Command(BaseCommand):
    """Lists, shows, retries, cancels and discards jobs."""

    help = "Lists, shows, retries, cancels or discards jobs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        lister = verbs.add_parser("list", help="the newest jobs")
        lister.add_argument("--state", choices=Job.State.values)
        lister.add_argument("--queue", help="as in delivery")
        lister.add_argument("--error", help="an error's code or class")
        lister.add_argument("--limit", type=int, default=20)
        lister.add_argument("--json", action="store_true")
        verbs.add_parser("show", help="one job").add_argument("id", type=UUID)
        for verb in VERBS:
            one = verbs.add_parser(verb, help=f"{verb} one job")
            one.add_argument("id", type=UUID)
            one.add_argument("--reason", required=True, help="what the audit trail will say")

    def handle(self, *args: Any, **options: Any) -> None:
        verb = options["verb"]
        if verb == "list":
            self.list(options)
        elif verb == "show":
            self.show(options["id"])
        else:
            try:
                job = VERBS[verb](options["id"], reason=options["reason"])
            except LedgerError as error:
                raise CommandError(str(error)) from None
            self.stdout.write(f"{job.id} is {job.state}.")

    def list(self, options: dict[str, Any]) -> None:
        """A line for each job."""
        jobs = Job.objects.order_by("-id")
        if options["state"]:
            jobs = jobs.filter(state=options["state"])
        if options["queue"]:
            jobs = jobs.filter(queue=queue_of(options["queue"]).name)
        if options["error"]:
            jobs = jobs.filter(error_class=options["error"])
        rows = [summary(job) for job in jobs[: options["limit"]]]
        if options["json"]:
            self.stdout.write(json.dumps(rows, indent=2))
            return
        for row in rows:
            self.stdout.write("{id}  {state:9}  {tries:>6}  {kind:20}  {error}".format(**row))

    def show(self, job_id: UUID) -> None:
        """One job with its error chain."""
        job = Job.objects.filter(id=job_id).first()
        if job is None:
            raise CommandError(f"no job {job_id}")
        chain = job.bad_attempts.order_by("-id")[:CHAIN]
        whole = summary(job) | {
            "queue": job.queue,
            "args": job.args,
            "createdAt": job.created_at.isoformat(),
            "chain": [
                f"{bad.ended_at.isoformat()} {bad.outcome} {bad.number}: {bad.error_class}"
                f" {bad.error} {bad.location}".strip()
                for bad in chain
            ],
        }
        self.stdout.write(json.dumps(whole, indent=2))


def summary(job: Job) -> dict[str, Any]:
    """What one line says of *job*."""
    return {
        "id": str(job.id),
        "state": job.state,
        "tries": f"{job.attempts}/{job.max_attempts}",
        "kind": job.kind,
        "error": job.error_class,
    }
