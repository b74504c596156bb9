"""Our system for a bench: durable servers under .local/bench, its own secrets, its own processes."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from urllib.request import urlopen

import django
import psycopg

from config import programs, runfile
from config.embedded import Embedded
from config.embedded.places import free_port
from config.processes import Program

BASE = Path(__file__).resolve().parent.parent
HOME = BASE / ".local" / "bench"
LIMITS = ("RATE_LIMIT_SENDS", "RATE_LIMIT_CALLS", "RATE_LIMIT_TENANT_SENDS")
PATIENCE = 30  # seconds


class Stack:
    """Servers that keep what they confirm (fsync on), and Waxwing's processes on demand."""

    def __init__(self) -> None:
        self.servers = Embedded(HOME, durable=True)
        self.urls: dict[str, str] = {}

    def __enter__(self) -> "Stack":
        self.urls = self.servers.start()
        os.environ |= self.urls | runfile.keep(HOME / "env")
        os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", "LOG_LEVEL": "WARNING"}
        os.environ |= dict.fromkeys(LIMITS, "1000000")  # counted, and never enough to refuse
        django.setup()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.servers.stop()

    def fresh(self) -> None:
        """An empty, migrated database: every bench starts from the same state."""
        with self.sql() as sql:
            sql.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        subprocess.run([sys.executable, BASE / "manage.py", "migrate", "-v0"], check=True)

    def database(self, name: str) -> str:
        """The address of an empty database *name* on the same server."""
        with self.sql() as sql:
            sql.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            sql.execute(f'CREATE DATABASE "{name}"')
        return f"{self.urls['DATABASE_URL'].rpartition('/')[0]}/{name}"

    def sql(self) -> psycopg.Connection:
        """A connection of the bench's own, which commits by itself."""
        return psycopg.connect(self.urls["DATABASE_URL"], autocommit=True)

    @contextmanager
    def workers(self) -> Iterator[None]:
        """The workers of `make run`, hot and slow."""
        with self._running(programs.workers()):
            yield

    @contextmanager
    def web(self) -> Iterator[str]:
        """The web server of `make run` with a process for each core; its address."""
        port = free_port(0)
        options = (*programs.web(port), f"--workers={os.cpu_count()}")
        command = (sys.executable, "-m", "granian", *options)
        with self._running([Program("web", command)]):
            self._wait(f"http://127.0.0.1:{port}/live")
            yield f"http://127.0.0.1:{port}"

    @contextmanager
    def _running(self, wanted: list[Program]) -> Iterator[None]:
        log = (HOME / "processes.log").open("a")
        children = [
            subprocess.Popen(
                program.command,
                cwd=BASE,
                env={**os.environ, **program.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            for program in wanted
        ]
        try:
            yield
        finally:
            for child in children:
                child.terminate()
            for child in children:
                try:
                    child.wait(timeout=20)
                except subprocess.TimeoutExpired:
                    os.killpg(child.pid, signal.SIGKILL)
            log.close()

    def _wait(self, url: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with urlopen(url, timeout=1):
                    return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)


def require(program: str) -> str:
    """Where *program* is; ends the bench with what to install where it is not."""
    found = shutil.which(program)
    if found is None:
        sys.exit(f"This bench needs {program} (the package of that name).")
    return found
