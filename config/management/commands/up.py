"""`manage.py up`: everything of Waxwing on this machine, until Ctrl-C."""

import fcntl
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config import env, local
from config.processes import Supervisor
from config.programs import programs
from config.welcome import welcome

LATE = 60.0  # seconds after which it is said that something is not ready


class Command(BaseCommand):
    """Starts servers and programs, and stops them all."""

    help = "Start everything on this machine: servers, web, sockets, workers, beat, Flower, mail."
    requires_system_checks: list[str] = []  # the settings come later, to each program

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to keep things."""
        parser.add_argument("--home", type=Path, default=local.USUAL)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal comes."""
        on_signals(_interrupt)
        home = local.Home(options["home"].resolve())
        servers = local.Servers(home)
        with only_one(home):
            try:
                self.run(home, servers)
            except KeyboardInterrupt:
                self.say("Stopping …")
            except local.NotReady as error:
                raise CommandError(str(error)) from None
            finally:
                on_signals(signal.SIG_IGN)  # the servers stop in a moment, and must
                servers.stop()
                self.say("Stopped.")

    def run(self, home: local.Home, servers: local.Servers) -> None:
        """Prepare the database, then keep the programs running."""
        ports = local.choose_ports(self.say)
        with_mail = not env.text("EMAIL_HOST")
        variables = local.environment(home, ports, servers.start(self.say))
        os.environ.update(variables)
        self.say("Preparing the database …")
        local.manage("migrate", "--verbosity=0")
        demo = local.demo_people()
        supervisor = Supervisor(programs(ports, home.mail, with_mail=with_mail), sys.stdout)
        text = welcome(ports, demo, variables, home)
        self.say("Starting the programs …")
        asked = [f"http://127.0.0.1:{ports.web}/ready", f"http://127.0.0.1:{ports.sockets}/live"]
        supervisor.run(once_ready(asked, text, self.say))
        self.say("Stopped the programs.")

    def say(self, text: str) -> None:
        """Tell the person at the terminal, who may have gone away."""
        try:
            self.stdout.write(text)
            self.stdout.flush()
        except OSError:
            return


def on_signals(handler: signal.Handlers | Callable[[int, FrameType | None], None]) -> None:
    """Let *handler* have what asks us to stop."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def only_one(home: local.Home) -> Iterator[None]:
    """Refuse to run beside another one of this folder."""
    home.path.mkdir(parents=True, exist_ok=True)
    with (home.path / ".up").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError("It is running already, from this folder.") from None
        yield


def once_ready(urls: list[str], text: str, say: Callable[[str], None]) -> Callable[[], None]:
    """A function to call often: says *text* when all *urls* first answer 200."""
    began, due, late, waiting = time.monotonic(), 0.0, False, list(urls)

    def tick() -> None:
        nonlocal due, late
        now = time.monotonic()
        if not waiting or now < due:
            return
        due = now + 1
        answer = _status(waiting[0])
        if answer == 200:
            del waiting[0]
            due = now
            if not waiting:
                say(text)
        elif now - began > LATE and not late:
            late = True
            answered = answer or "no answer"
            say(f"Not ready after {LATE:.0f} s ({waiting[0]}: {answered}); still trying.")

    return tick


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
