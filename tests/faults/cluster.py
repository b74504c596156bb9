"""PostgreSQL, Valkey and Celery workers of one's own, to be killed at will.

The workers load the job kinds of tests/faults/kinds.py. A thread stands in for the supervisor.
"""

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import redis

from config import runfile
from config.embedded import Embedded
from queueing.queues import QUEUES, Queue
from tests.faults import schema
from tests.system import processes
from tests.system.processes import Running, kill
from tests.system.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
DATABASE = "faults"
KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "VIRTUAL_ENV")


class Supervised:
    """A program that is started again whenever it dies, until stopped."""

    def __init__(self, name: str, command: Sequence[str], environment: dict[str, str], log: Path):
        self.name = name
        self.starts = 0
        self._spawn = lambda out: subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=out, stderr=out, start_new_session=True
        )
        self._log = log
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._thread.start()

    def _keep(self) -> None:
        while not self._stopping.is_set():
            with self._log.open("ab") as out:
                self._process = self._spawn(out)
            self.starts += 1
            self._process.wait()
            self._stopping.wait(0.2)

    def ask_to_end(self) -> None:
        """Send SIGTERM; it is started again when it has ended."""
        if self._process is not None:
            self._process.terminate()

    def stop(self) -> None:
        """End it: ask, then kill."""
        self._stopping.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        self._thread.join(5)


class Cluster:
    """Servers at *home* with an empty ledger; workers come and go with `worker`."""

    def __init__(self, home: Path) -> None:
        self.servers = Embedded(home, durable=False)
        self.log = self.servers.home / "log"
        self.mark = uuid.uuid4().hex
        self.environment: dict[str, str] = {}

    def start(self) -> "Cluster":
        """Start the servers and make the tables."""
        urls = self.servers.start()
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        secrets = {name: make() for name, make in runfile.MADE.items()}
        self.environment = (
            kept
            | secrets
            | {
                "DATABASE_URL": f"{urls['DATABASE_URL'].rpartition('/')[0]}/{DATABASE}",
                "REDIS_URL": urls["REDIS_URL"],
                "PYTHONPATH": str(ROOT),
                "PYTHONUNBUFFERED": "1",
                processes.MARK: self.mark,
            }
        )
        with psycopg.connect(urls["DATABASE_URL"], autocommit=True) as server:
            server.execute(f"drop database if exists {DATABASE} with (force)")
            server.execute(f"create database {DATABASE}")
            # Not durable means no fsync; but what was committed outlives a crash of the server.
            server.execute(f"alter database {DATABASE} set synchronous_commit = on")
        self.run("manage.py", "migrate", "--verbosity=0", "queueing")
        self.empty()
        return self

    def empty(self) -> None:
        """Forget everything: ledger, effects, Redis, log."""
        with psycopg.connect(self.environment["DATABASE_URL"], autocommit=True) as server:
            schema.create(server)
        with self.redis() as valkey:
            valkey.flushall()
        self.log.write_text("")

    def stop(self) -> None:
        """End the servers."""
        for left in processes.marked(self.mark):
            kill(left.pid)
        self.servers.stop()

    # Programs

    def run(self, *arguments: str) -> str:
        """What the Python program prints; it runs to its end."""
        done = subprocess.run(
            (sys.executable, *arguments), cwd=ROOT, env=self.environment, stdout=subprocess.PIPE
        )
        assert done.returncode == 0, arguments
        return done.stdout.decode()

    def start_runs(self, count: int, **options: object) -> subprocess.Popen[bytes]:
        """A client that starts *count* runs, and again with the same ids where it got no answer."""
        words = [f"{name}={value}" for name, value in options.items()]
        command = (sys.executable, "-m", "tests.faults.client", str(count), *words)
        return subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE)

    @contextmanager
    def with_variables(self, **variables: str) -> Iterator[None]:
        """Every program that is started meanwhile has *variables* in its environment."""
        before, self.environment = self.environment, self.environment | variables
        try:
            yield
        finally:
            self.environment = before

    @contextmanager
    def worker(
        self,
        name: str = "hot",
        *,
        queues: Sequence[Queue] = QUEUES,
        count: int = 2,
    ) -> Iterator[Supervised]:
        """A supervised worker of *count* processes, ready to work."""
        command = (
            *(sys.executable, "-m", "celery", "--quiet", "-A", "config.celery", "worker"),
            *(f"--hostname={name}@%h", f"--concurrency={count}", "--pool=prefork"),
            f"--queues={','.join(queue.name for queue in queues)}",
            *("--include=tests.faults.kinds", "--without-gossip", "--without-mingle"),
            "--loglevel=INFO",
        )
        own = {
            "CELERY_WORKER": "1",
            "PROCESS_NAME": name,
            "DATABASE_STATEMENT_TIMEOUT": "60s",
        }
        worker = Supervised(name, command, self.environment | own, self.log)
        try:
            like = f"{name}@%"
            wait_until(lambda: self.sql("select 1 from workers where name like %s", like))
            yield worker
        finally:
            worker.stop()

    def running(self, name: str) -> list[Running]:
        """The processes of a worker, its main process first."""
        found = [each for each in processes.marked(self.mark) if each.name == name]
        pids = {each.pid for each in found}
        return sorted(found, key=lambda each: (each.parent in pids, each.pid))

    def kill9(self, name: str = "hot") -> None:
        """Kill a worker's main process; the supervisor starts it again."""
        kill(wait_until(lambda: self.running(name))[0].pid)

    def kill9_child(self, name: str = "hot", number: int = 0) -> None:
        """Kill one of the processes in which a worker works."""
        children = wait_until(lambda: self.running(name)[1:])
        kill(children[number % len(children)].pid)

    # Servers

    def sql(self, query: LiteralString, *parameters: object) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with psycopg.connect(self.environment["DATABASE_URL"], autocommit=True) as server:
            found = server.execute(query, parameters)
            return found.fetchall() if found.description else []

    def count(self, query: LiteralString, *parameters: object) -> int:
        """The one number that a query gives; -1 while PostgreSQL is away."""
        with suppress(psycopg.OperationalError):
            return int(self.sql(query, *parameters)[0][0])
        return -1

    def redis(self) -> redis.Redis:
        """A client of the Valkey."""
        return redis.Redis.from_url(self.environment["REDIS_URL"])

    def valkey_pid(self) -> int:
        """The process that is Valkey."""
        with self.redis() as valkey:
            return int(valkey.info("server")["process_id"])

    def stop_redis(self) -> None:
        """Kill Valkey; everything in it is lost."""
        pid = self.valkey_pid()
        kill(pid)
        wait_until(lambda: not processes.is_alive(pid))

    def start_redis(self) -> None:
        """Start an empty one, on the same port."""
        self.servers.valkey.start()

    def wipe_redis(self) -> None:
        """Kill Valkey and start an empty one."""
        self.stop_redis()
        self.start_redis()

    @contextmanager
    def frozen_redis(self) -> Iterator[None]:
        """Valkey accepts connections and answers nothing."""
        pid = self.valkey_pid()
        kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            kill(pid, signal.SIGCONT)

    def stop_postgres(self) -> None:
        """End PostgreSQL as a crash of its host would (an immediate shutdown)."""
        pid = int((self.servers.postgres.data / "postmaster.pid").read_text().split()[0])
        kill(pid, signal.SIGQUIT)
        wait_until(lambda: not processes.is_alive(pid))

    def start_postgres(self) -> None:
        """Start it again, on the same port."""
        self.servers.postgres.start()

    def restart_postgres(self, seconds: float = 0.5) -> None:
        """Crash PostgreSQL and start it after *seconds*."""
        self.stop_postgres()
        time.sleep(seconds)
        self.start_postgres()
