"""`manage.py cleanup STRATEGY`: begin a cleanup run, or see what one would remove."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from messaging.errors import Invalid
from messaging.retention import cleanup
from messaging.retention.registry import registered


class Command(BaseCommand):
    help = "Begins a cleanup run, worked by the slow worker; with --dry-run only counts, here."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("strategy", choices=sorted(registered()))
        parser.add_argument("--dry-run", action="store_true", help="count, remove nothing")
        parser.add_argument("--days", type=int, help="of retention or grace (1-3650)")
        parser.add_argument("--batch-size", type=int, default=cleanup.MOST_ROWS, help="1-1000")
        parser.add_argument("--reason", default="", help="for the audit trail")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["dry_run"]:
                due, examined = cleanup.preview(options["strategy"], options["days"])
                self.stdout.write(f"{due} of {examined} messages would go.")
                return
            run = cleanup.start(
                options["strategy"],
                retention_days=options["days"],
                batch_size=options["batch_size"],
                reason=options["reason"],
            )
        except Invalid as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Run {run.pk} has begun; its job is {run.job_id}.")
