"""The system of one machine: its servers, its secrets, its free ports, its demonstration people."""

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import redis

from config import env, runfile
from config.embedded import Embedded
from config.embedded.places import free_port
from config.programs import Ports

BASE = Path(__file__).resolve().parent.parent
USUAL = BASE / ".local" / "run"
STATIC = BASE / "static"  # whitenoise warns when there is none
PATIENCE = 30.0  # seconds

Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Home:
    """The folder that one system keeps to itself."""

    path: Path = USUAL

    @property
    def option(self) -> str:
        """What names it to a command, unless it is the usual one."""
        return "" if self.path == USUAL else f" --home {shlex.quote(str(self.path))}"

    @property
    def secrets(self) -> Path:
        """What is made once."""
        return self.path / "env"

    @property
    def shell(self) -> Path:
        """Everything that the programs are given, for a terminal to read."""
        return self.path / "shell"

    @property
    def mail(self) -> Path:
        """Where the mail sink keeps messages."""
        return self.path / "mail"

    @property
    def flower(self) -> Path:
        """Where Flower keeps what it has seen."""
        return self.path / "flower"


class NotReady(Exception):
    """Something that we need does not answer; the text says what, and what would help."""


class Servers:
    """PostgreSQL and Redis: those that the environment names, or embedded ones."""

    def __init__(self, home: Home) -> None:
        self.home = home.path
        self.embedded: Embedded | None = None

    def start(self, say: Say) -> dict[str, str]:
        """The addresses of servers that answer."""
        own = {"DATABASE_URL": env.secret("DATABASE_URL"), "REDIS_URL": env.redis_url()}
        if not all(own.values()):
            self.embedded = Embedded(self.home)
            say("Starting PostgreSQL and Valkey …")
            own |= {name: url for name, url in self.embedded.start().items() if not own[name]}
        _wait("PostgreSQL", "DATABASE_URL", own["DATABASE_URL"], _answers_postgres, say)
        _wait("Redis", "REDIS_URL", own["REDIS_URL"], _answers_redis, say)
        return own

    def stop(self) -> None:
        """Stop what was started here."""
        if self.embedded is not None:
            self.embedded.stop()


def choose_ports(say: Say) -> Ports:
    """The usual ports, or free ones where somebody else listens."""

    def choose(name: str, usual: int) -> int:
        wanted = env.integer(name, usual, least=1)
        port = free_port(wanted)
        if port != wanted:
            say(f"Port {wanted} is taken, so {name} is {port}.")
        return port

    return Ports(
        web=choose("WEB_PORT", 8000),
        sockets=choose("WS_PORT", 8001),
        flower=choose("FLOWER_PORT", 5555),
        mail=choose("MAIL_PORT", 1025),
    )


def environment(home: Home, ports: Ports, servers: Mapping[str, str]) -> dict[str, str]:
    """The variables of every program: what one has set comes first, then what the clone keeps."""
    sink = {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(ports.mail)}
    defaults = {
        **runfile.keep(home.secrets),
        "PUBLIC_URL": f"http://127.0.0.1:{ports.web}",
        **({} if env.text("EMAIL_HOST") else sink),
        "FLOWER_URL": f"http://127.0.0.1:{ports.flower}/flower/",
        "FLOWER_DB": str(home.flower / "state"),
        "PYTHONUNBUFFERED": "1",
    }
    chosen = {"WS_PORT": str(ports.sockets), "FLOWER_PORT": str(ports.flower), **servers}
    kept = {name: os.environ.get(name, value) for name, value in defaults.items()} | chosen
    runfile.write(home.shell, kept)
    home.flower.mkdir(mode=0o700, exist_ok=True)
    STATIC.mkdir(exist_ok=True)
    return kept


def manage(*arguments: str) -> str:
    """What a management command prints, run under the environment as it now is."""
    command = (sys.executable, str(BASE / "manage.py"), *arguments)
    slow = {**os.environ, "DATABASE_STATEMENT_TIMEOUT": "0", "PROCESS_NAME": arguments[0]}
    done = subprocess.run(command, env=slow, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    if done.returncode:
        raise NotReady(f"`manage.py {' '.join(arguments)}` failed; what it said stands above.")
    return done.stdout.decode()


def demo_people() -> dict[str, Any]:
    """The tenant, people and operator of the demonstration, made at the first call."""
    people: dict[str, Any] = json.loads(manage("demo_data"))
    return people


def _wait(what: str, name: str, url: str, answers: Callable[[str], None], say: Say) -> None:
    """Return as soon as *what* answers at *url*; say so while it does not."""
    place, deadline, told = urlsplit(url), time.monotonic() + PATIENCE, False
    while True:
        try:
            return answers(url)
        except (psycopg.OperationalError, redis.RedisError) as error:
            where = f"{what} at {place.hostname}:{place.port}"
            if time.monotonic() > deadline:
                reason = str(error).strip().splitlines()[0]
                raise NotReady(
                    f"{where} does not answer: {reason}\n"
                    f"Start it or correct {name}; without {name} one is started for you."
                ) from None
            if not told:
                say(f"Waiting for {where} …")
            told = True
            time.sleep(0.5)


def _answers_postgres(url: str) -> None:
    with psycopg.connect(url, connect_timeout=3) as server:
        server.execute("select 1")


def _answers_redis(url: str) -> None:
    with redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3) as server:
        server.ping()
