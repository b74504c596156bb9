"""`make run`, from nothing to nothing: everything answers, what dies returns, nothing stays."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import runfile
from config.embedded.places import free_port
from tests.system.processes import MARK, kill, marked
from tests.system.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
READY_SECONDS, STOP_SECONDS = 60, 20
PORTS = ("WEB_PORT", "WS_PORT", "FLOWER_PORT", "MAIL_PORT")
PROGRAMS = {"web", "sockets", "hot", "slow", "beat", "flower", "mail"}

pytestmark = pytest.mark.journey


class Run:
    """One `manage.py up`, with nothing of our own environment but what it needs to run at all."""

    def __init__(self, home: Path, ports: dict[str, str]) -> None:
        self.home = home
        self.mark = uuid.uuid4().hex
        own = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.variables = {**own, **ports, MARK: self.mark}
        self.output = home.parent / "output"
        self.process = self.start("up", output=self.output)

    def __enter__(self) -> "Run":
        wait_until(lambda: "Waxwing is ready" in self.said(), seconds=READY_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(STOP_SECONDS)

    def start(self, *command: str, output: Path) -> subprocess.Popen[bytes]:
        arguments = [sys.executable, "manage.py", *command, "--home", str(self.home)]
        with output.open("wb") as file:
            return subprocess.Popen(
                arguments, cwd=ROOT, env=self.variables, stdout=file, stderr=subprocess.STDOUT
            )

    def said(self) -> str:
        return self.output.read_text()

    def line(self, after: str) -> str:
        """The line to paste that stands below the one with *after*."""
        return self.said().split(after)[1].split("\n\n")[1].strip()

    def paste(self, line: str) -> str:
        done = subprocess.run(["sh", "-c", line], cwd=ROOT, env=self.variables, capture_output=True)
        return done.stdout.decode() + done.stderr.decode()

    def programs(self) -> dict[str, int]:
        """The main process of each program: the one that no other of the program has started."""
        found = marked(self.mark)
        pids = {each.pid: each.name for each in found}
        return {each.name: each.pid for each in found if pids.get(each.parent) != each.name}


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="waxwing-"))
    folder.chmod(0o755)
    yield folder / "run"
    shutil.rmtree(folder)


@pytest.fixture
def ports() -> dict[str, str]:
    return {name: str(free_port()) for name in PORTS}


def test_what_is_printed_works_when_pasted(home: Path, ports: dict[str, str]) -> None:
    heard = home.parent / "heard"
    with Run(home, ports) as run:
        listening = run.line("listen as bob")
        with heard.open("wb") as file:
            listener = subprocess.Popen(
                ["sh", "-c", f"exec {listening}"], cwd=ROOT, env=run.variables, stdout=file
            )
        wait_until(lambda: '"ack"' in heard.read_text())

        assert '"isEncrypted":true' in run.paste(run.line("send as alice")).replace(" ", "")

        wait_until(lambda: "The results are in" in heard.read_text())
        listener.send_signal(signal.SIGINT)
        assert listener.wait(10) == 0
        wait_until(lambda: list((home / "mail").glob("*.eml")))


def test_what_dies_returns_and_a_stop_leaves_nothing(home: Path, ports: dict[str, str]) -> None:
    with Run(home, ports) as run:
        before = run.programs()
        assert set(before) >= PROGRAMS
        kill(before["hot"])
        wait_until(lambda: run.programs().get("hot", before["hot"]) != before["hot"])

    assert run.process.returncode == 0
    assert marked(run.mark) == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int((home / "postgres.port").read_text())))


def test_a_second_run_keeps_people_and_keys(home: Path, ports: dict[str, str]) -> None:
    with Run(home, ports) as first:
        secrets = runfile.read(home / "env")
        sending = first.line("send as alice")
        sent = first.paste(sending)

    with Run(home, ports) as second:
        assert runfile.read(home / "env") == secrets
        assert second.line("send as alice") == sending
        again = second.paste(sending)

    assert sent.split('"seq":')[1][0] == "1"
    assert again.split('"seq":')[1][0] == "2"
