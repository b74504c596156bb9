"""What runs: one line for each program of `make run` and of docker-compose.yml."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from config import env
from config.processes import Program
from queueing.queues import (
    BATCH,
    CLEANUP,
    DELIVERY,
    ENCRYPTION,
    INDEXING,
    NOTIFICATION,
    QUEUES,
    Queue,
)

CELERY = (sys.executable, "-m", "celery", "--quiet", "-A", "config.celery")
# A slow provider may not hold up delivery, so the lanes that wait for others have their own worker.
LANES = {
    "hot": ((ENCRYPTION, DELIVERY, INDEXING), 2),
    "slow": ((NOTIFICATION, BATCH, CLEANUP), 1),
}


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the programs listen, all on the loopback."""

    web: int
    sockets: int
    flower: int
    mail: int


def programs(ports: Ports, mail: Path, *, with_mail: bool) -> list[Program]:
    """Everything that a running Waxwing consists of, besides its servers."""
    python = sys.executable
    sink = ((python, "-m", "config.mailsink", str(ports.mail), str(mail)),) if with_mail else ()
    return [
        _program("web", (python, "-m", "granian", *web(ports.web))),
        _program("sockets", (python, "-m", "config.sockets")),
        *workers(),
        _program("beat", (*CELERY, "beat", "--loglevel=INFO")),
        _program("flower", (*CELERY, "flower", "--conf=config/flower.py")),
        *(_program("mail", command) for command in sink),
    ]


def web(port: int) -> tuple[str, ...]:
    """The arguments of the server of REST and admin."""
    options = ("--interface=wsgi", "--no-ws", "--blocking-threads=4", "--log-level=warning")
    return (*options, f"--port={port}", "config.wsgi:application")


def workers() -> list[Program]:
    """The workers: hot and slow, and one for each queue whose concurrency is set."""
    own = [queue for queue in QUEUES if env.text(queue.variable)]
    shared = []
    for name, (queues, processes) in LANES.items():
        if served := [queue for queue in queues if queue not in own]:
            shared.append(_worker(name, served, processes))
    return shared + [_worker(queue.lane, [queue], _processes(queue)) for queue in own]


def _processes(queue: Queue) -> int:
    # Notification's concurrency is the threads of one drain.
    return 1 if queue is NOTIFICATION else env.integer(queue.variable, queue.concurrency, least=1)


def _worker(name: str, queues: Sequence[Queue], processes: int) -> Program:
    lanes = ",".join(queue.name for queue in queues)
    options = ("--without-gossip", "--without-mingle", "--loglevel=INFO", "--pool=prefork")
    names = (f"--hostname={name}@%h", f"--queues={lanes}", f"--concurrency={processes}")
    environment = {"CELERY_WORKER": "1"}
    environment["DATABASE_STATEMENT_TIMEOUT"] = "60s"
    # Said once a worker when make run is used by root; nothing of ours is unpickled.
    environment["PYTHONWARNINGS"] = "ignore:You're running the worker with superuser"
    return _program(name, (*CELERY, "worker", *names, *options), environment)


def _program(
    name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
) -> Program:
    return Program(name, command, {"PROCESS_NAME": name, **(environment or {})})
