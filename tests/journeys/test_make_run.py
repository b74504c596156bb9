"""`make run` in a copy of the tree: it starts everything, what it prints works, nothing stays."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from config import runfile
from config.embedded.places import free_port
from config.embedded.postgres import Postgres
from queueing.queues import QUEUES
from tests.system.environment import ROOT
from tests.system.processes import MARK, kill, marked, under
from tests.system.rest import Api, log_in
from tests.system.waiting import wait_until

READY_SECONDS, STOP_SECONDS = 60, 20
PORTS = ("WEB_PORT", "WS_PORT", "FLOWER_PORT", "MAIL_PORT")
PROGRAMS = {"web", "sockets", "hot", "slow", "beat", "flower", "mail"}
NOT_OF_A_CLONE = shutil.ignore_patterns(
    ".git", ".venv", ".local", "static", "__pycache__", ".*_cache"
)

pytestmark = pytest.mark.journey


class Terminal:
    """Someone who has typed the command in *tree*."""

    def __init__(self, tree: Path, variables: dict[str, str]) -> None:
        self.tree, self.variables = tree, variables
        self.output = tree.parent / "output"
        self.began = time.monotonic()
        self.seconds = 0.0  # until it was ready
        self.answer: dict[str, object] = {}  # of /ready
        self.programs: set[str] = set()
        self.kept: dict[str, str] = {}  # its secrets
        self.remains: list[object] = []  # processes after its end
        self.up = self.run(".venv/bin/python manage.py up", self.output)

    def run(self, line: str, output: Path) -> subprocess.Popen[bytes]:
        """What the shell does with *line*."""
        with output.open("wb") as file:
            return subprocess.Popen(
                f"exec {line}",
                shell=True,
                cwd=self.tree,
                env=self.variables,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def said(self) -> str:
        return self.output.read_text()

    def printed(self, after: str) -> str:
        """The line to paste that stands below *after*."""
        return self.said().split(after)[1].split("\n\n")[1].strip()

    def until_ready(self) -> float:
        """The seconds until it says that it is."""
        is_ready = "Waxwing is ready"
        wait_until(lambda: is_ready in self.said(), seconds=READY_SECONDS, otherwise=self.said)
        return time.monotonic() - self.began

    def secrets(self) -> dict[str, str]:
        """What the clone has made for itself."""
        return runfile.read(self.tree / ".local" / "run" / "env")

    def ready(self) -> dict[str, object]:
        with urlopen(f"{self.web}/ready", timeout=5) as answer:
            assert answer.status == 200
            return dict(json.load(answer))

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.variables['WEB_PORT']}"

    def interrupt(self) -> None:
        self.up.send_signal(signal.SIGINT)
        self.up.wait(STOP_SECONDS)

    def left(self) -> list[object]:
        """The processes that are there because of this terminal."""
        return [*marked(self.variables[MARK]), *under(self.tree)]


@pytest.fixture(scope="module")
def tree() -> Iterator[Path]:
    """A copy of the project with the present interpreter, where any user may go."""
    folder = Path(tempfile.mkdtemp(prefix="waxwing-"))
    folder.chmod(0o755)
    copy = folder / "tree"
    shutil.copytree(ROOT, copy, symlinks=True, ignore=NOT_OF_A_CLONE)
    (copy / ".venv").symlink_to(sys.prefix)
    yield copy
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def variables() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    ports = {name: str(free_port()) for name in PORTS}
    return {**kept, **ports, MARK: uuid.uuid4().hex}


@contextmanager
def typed(tree: Path, variables: dict[str, str]) -> Iterator[Terminal]:
    """Someone who types `make run`; nothing of it outlives the test."""
    terminal = Terminal(tree, variables)
    try:
        yield terminal
    finally:
        if terminal.up.poll() is None:
            terminal.interrupt()
        for each in marked(variables[MARK]):
            kill(each.pid)
        Postgres(tree / ".local" / "run", durable=True).stop()


@pytest.fixture(scope="module")
def first(tree: Path, variables: dict[str, str]) -> Terminal:
    """The first run, which is over: what was printed worked, and what was killed came back."""
    with typed(tree, variables) as terminal:
        terminal.seconds = terminal.until_ready()
        terminal.answer = terminal.ready()
        listen(terminal)
        restarts(terminal, "hot")
        terminal.programs = {each.name for each in marked(variables[MARK])}
        terminal.interrupt()
        terminal.remains = terminal.left()
        terminal.kept = terminal.secrets()
        return terminal


def test_it_is_ready_within_a_minute_and_serves_every_queue(first: Terminal) -> None:
    assert first.seconds < READY_SECONDS
    assert first.programs >= PROGRAMS
    assert [queue.name for queue in QUEUES if queue.name not in str(first.answer)] == []


def test_an_interrupt_leaves_no_process_behind(first: Terminal) -> None:
    assert first.remains == []


def test_a_second_run_keeps_data_and_keys(
    first: Terminal, tree: Path, variables: dict[str, str]
) -> None:
    with typed(tree, variables) as terminal:
        terminal.until_ready()
        secrets = terminal.secrets()
        bob = Api(terminal.web, log_in(terminal.web, "bob", secrets["DEMO_PASSWORD"]))
        [conversation] = bob.get("/conversations").json["data"]
        [message] = bob.get(f"/conversations/{conversation['id']}/messages").json["data"]
        terminal.interrupt()

        assert secrets == first.kept
        assert (message["content"], message["isEncrypted"]) == ("The results are in", True)
        assert terminal.left() == []


def listen(terminal: Terminal) -> None:
    """Paste both lines as they stand; what the second one sends, the first one shows."""
    heard = terminal.tree.parent / "heard"
    listener = terminal.run(terminal.printed("listen as bob"), heard)
    wait_until(lambda: '"welcome"' in heard.read_text())
    sent = subprocess.run(
        terminal.printed("send as alice"), shell=True, cwd=terminal.tree, capture_output=True
    )
    answer = json.loads(sent.stdout)
    assert answer["message"]["isEncrypted"] is True
    assert len(answer["queue"]["jobIds"]) == 4
    wait_until(lambda: "The results are in" in heard.read_text())
    wait_until(lambda: list((terminal.tree / ".local" / "run" / "mail").glob("*.eml")))
    os.killpg(listener.pid, signal.SIGINT)
    listener.wait(10)


def restarts(terminal: Terminal, name: str) -> None:
    """Kill a program and see it come back."""

    def main() -> set[int]:
        running = [each for each in marked(terminal.variables[MARK]) if each.name == name]
        return {each.pid for each in running if each.parent == terminal.up.pid}

    before = main()
    for pid in before:
        kill(pid)
    wait_until(lambda: main() - before)
