"""The system under test: servers of its own, and the programs of `make run` around them."""

import json
import signal
import subprocess
import sys
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, LiteralString
from urllib.error import URLError
from urllib.request import urlopen

import psycopg
import redis

from config.embedded import Embedded
from config.embedded.places import free_port
from config.programs import Ports
from tests.system import processes
from tests.system.environment import DATABASE, ROOT, environment
from tests.system.people import PASSWORD
from tests.system.processes import Running, kill, marked
from tests.system.rest import Admin, Api, log_in
from tests.system.sockets import Listener
from tests.system.waiting import wait_until


class System:
    """Everything at *home*; the database is fresh, the servers' data may be of an earlier run."""

    def __init__(self, home: Path, variables: Mapping[str, str] | None = None) -> None:
        self.variables = variables or {}  # besides those that every system has
        self.servers = Embedded(home, durable=False)
        self.home = self.servers.home
        self.log, self.mail = self.home / "log", self.home / "mail"
        self.mark = uuid.uuid4().hex
        self.people: dict[str, str] = {}
        self.environment: dict[str, str] = {}
        self._tokens: dict[str, str] = {}
        self._supervisor: subprocess.Popen[bytes] | None = None

    def start(self) -> "System":
        """Come back when every queue is served."""
        self.ports = Ports(*(free_port() for _ in range(4)))
        self.web = f"http://127.0.0.1:{self.ports.web}"
        self.socket = f"ws://127.0.0.1:{self.ports.sockets}/ws/v1"
        self.flower = f"http://127.0.0.1:{self.ports.flower}/flower"
        found = environment(self.home, self.ports, self.servers.start(), self.mark)
        self.environment = found | dict(self.variables)
        self._empty()
        self._run("manage.py", "migrate", "--verbosity=0")
        self.people = json.loads(self._run("-m", "tests.system.people"))
        self._supervise()
        wait_until(self.is_ready, seconds=90, pause=0.2, otherwise=self.last_said)
        return self

    def stop(self) -> None:
        """End the programs, then the servers."""
        if self._supervisor is not None and self._supervisor.stdin is not None:
            self._supervisor.stdin.close()
            self._supervisor.wait(30)
        self.servers.stop()

    def last_said(self) -> str:
        """The end of the log, without what is asked while we wait."""
        lines = [line for line in self.log.read_text().splitlines() if "/ready" not in line]
        return "\n".join(["", *lines[-60:]])

    def is_ready(self) -> bool:
        """Whether /ready says so."""
        with suppress(URLError, OSError), urlopen(f"{self.web}/ready", timeout=2) as answer:
            return bool(answer.status == 200)
        return False

    # People

    def api(self, name: str = "") -> Api:
        """A connection of *name*'s to the API; of nobody's without a name."""
        return Api(self.web, self.token(name) if name else "")

    def token(self, name: str) -> str:
        """An access token of *name*'s, one for the whole run."""
        if name not in self._tokens:
            self._tokens[name] = log_in(self.web, name, PASSWORD)
        return self._tokens[name]

    def listen(self, name: str, cursors: dict[str, int], **options: Any) -> Listener:
        """A socket of *name*'s that follows the conversations of *cursors* by now."""
        return Listener(self.socket, self.token(name), cursors, **options).ready()

    def admin(self) -> Admin:
        """The operator in the admin."""
        return Admin(self.web, "operator", PASSWORD)

    def mails(self) -> list[str]:
        """Every mail in the sink, as it came."""
        return [path.read_text() for path in sorted(self.mail.glob("*.eml"))]

    # Servers

    def sql(self, query: LiteralString, *parameters: object) -> list[tuple[Any, ...]]:
        """The rows of a query over the system's database."""
        with psycopg.connect(self.environment["DATABASE_URL"], autocommit=True) as server:
            found = server.execute(query, parameters)
            return found.fetchall() if found.description else []

    def redis(self) -> redis.Redis:
        """A client of the system's Valkey."""
        return redis.Redis.from_url(self.environment["REDIS_URL"])

    def wipe_redis(self) -> None:
        """Empty Valkey, kill it and start an empty one."""
        with self.redis() as server:
            pid = int(server.info("server")["process_id"])
            server.flushall()
        kill(pid)
        wait_until(lambda: not processes.is_alive(pid))
        self.servers.valkey.start()

    def stop_postgres(self) -> None:
        """End PostgreSQL as a crash of its host would (an immediate shutdown)."""
        pid = int((self.servers.postgres.data / "postmaster.pid").read_text().split()[0])
        kill(pid, signal.SIGQUIT)
        wait_until(lambda: not processes.is_alive(pid))

    def start_postgres(self) -> None:
        """Start it again, on the same port."""
        self.servers.postgres.start()

    # Programs

    def running(self, name: str) -> list[Running]:
        """The processes of a program; the first is the one that the supervisor has started."""
        found = [each for each in marked(self.mark) if each.name == name]
        pids = {each.pid for each in found}
        return sorted(found, key=lambda each: (each.parent in pids, each.pid))

    def kill9(self, name: str) -> None:
        """Kill a program's main process; the supervisor starts it again."""
        kill(wait_until(lambda: self.running(name))[0].pid)

    def kill9_child(self, name: str, number: int = 0) -> None:
        """Kill one of the processes in which a worker works."""
        kill(wait_until(lambda: self.running(name)[1:])[number].pid)

    def logs(self) -> list[Path]:
        """Everything that any process or server has written down about its work."""
        return [
            self.log,
            self.servers.postgres.data / "server.log",
            *self.home.glob("valkey/*.log"),
        ]

    # Starting

    def _empty(self) -> None:
        """A database, a Redis, a log and a mail folder without anything in them."""
        app = f"{self.environment['DATABASE_URL'].rpartition('/')[0]}/app"
        with psycopg.connect(app, autocommit=True) as server:
            server.execute(f"drop database if exists {DATABASE} with (force)")
            server.execute(f"create database {DATABASE}")
            # Not durable means no fsync; but what was committed outlives a crash of the server.
            server.execute(f"alter database {DATABASE} set synchronous_commit = on")
        with self.redis() as valkey:
            valkey.flushall()
        for path in (self.log, *self.mail.glob("*.eml"), *self.home.glob("flower*")):
            path.unlink(missing_ok=True)

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            (sys.executable, *arguments), cwd=ROOT, env=self.environment, stdout=subprocess.PIPE
        )
        assert done.returncode == 0, arguments
        return done.stdout.decode()

    def _supervise(self) -> None:
        ports = map(str, (self.ports.web, self.ports.sockets, self.ports.flower, self.ports.mail))
        command = (sys.executable, "-m", "tests.system.supervise", self.log, self.mail, *ports)
        self._supervisor = subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdin=subprocess.PIPE, start_new_session=True
        )
