"""`manage.py loadtest`: send many messages through the API and say what became of each."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config import loadtest
from config.loadtest import Report

BAR = 30  # characters


class Command(BaseCommand):
    """Exits with 1 where a message was lost or came twice."""

    help = "Send messages through the public API of a running system, and account for each."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How many, how, and against what."""
        parser.add_argument("--messages", type=int, default=10_000)
        parser.add_argument("--clients", type=int, default=16, help="connections at once")
        parser.add_argument("--plain", action="store_true", help="without encryption")
        parser.add_argument("--url", default=settings.PUBLIC_URL)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, and print the table and the verdict."""
        if options["messages"] < 1 or not 1 <= options["clients"] <= 100:
            raise CommandError("At least 1 message, 1 to 100 clients.")
        report = loadtest.run(
            url=options["url"],
            messages=options["messages"],
            clients=min(options["clients"], options["messages"]),
            encrypted=not options["plain"],
            progress=self.progress,
        )
        self.stdout.write(report.json() if options["json"] else text(report))
        if not report.whole:
            sys.exit(1)

    def progress(self, what: str, now: int, total: int) -> None:
        """A bar that moves, where somebody looks."""
        if self.stderr.isatty():
            done = BAR * now // total
            bar = f"\r{what:>5} [{'#' * done:<{BAR}}] {now:,} of {total:,}"
            self.stderr.write(bar + ("\n" if now == total else ""), ending="")


def text(report: Report) -> str:
    """The stage table and the closing line."""
    lines = [f"{'':20}{'count':>9}{'lost':>7}{'retried':>9}{'p50':>11}{'p95':>11}{'p99':>11}"]
    for stage in report.stages:
        times = "".join(f"{value * 1000:>8,.0f} ms" for value in (stage.p50, stage.p95, stage.p99))
        lines.append(f"{stage.name:20}{stage.count:>9,}{stage.lost:>7,}{stage.retried:>9,}{times}")
    rate = report.sent / report.seconds
    return "\n".join(
        [
            *lines,
            f"{report.seconds:,.1f} s, {rate:,.0f} messages a second",
            f"{report.sent:,} sent · {report.once:,} delivered once"
            f" · {report.lost:,} lost · {report.twice:,} twice",
        ]
    )
