"""`make run`, from nothing to nothing: everything answers, what dies returns, nothing stays."""

import json
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
        self.home, self.ports = home, ports
        self.mark = uuid.uuid4().hex
        own = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.variables = {**own, **ports, MARK: self.mark}
        self.output = home.parent / "output"
        self.process = self.start("up", output=self.output)

    def __enter__(self) -> "Run":
        wait_until(lambda: "Waxwing is ready" in self.said(), seconds=READY_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGINT)  # the second one kills
                raise

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
        return done.stdout.decode()

    def programs(self) -> dict[str, int]:
        """The main process of each program: the one that no other of the program has started."""
        found = marked(self.mark)
        pids = {each.pid: each.name for each in found}
        return {each.name: each.pid for each in found if pids.get(each.parent) != each.name}


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """One system for all tests here; the last one stops it."""
    folder = Path(tempfile.mkdtemp(prefix="waxwing-"))
    folder.chmod(0o755)
    with Run(folder / "run", {name: str(free_port()) for name in PORTS}) as running:
        yield running
    shutil.rmtree(folder)


def test_what_is_printed_works_when_pasted(run: Run) -> None:
    heard = run.home.parent / "heard"
    with heard.open("wb") as file:
        command = ["sh", "-c", f"exec {run.line('listen as bob')}"]
        listener = subprocess.Popen(command, cwd=ROOT, env=run.variables, stdout=file)
    wait_until(lambda: '"ack"' in heard.read_text())

    sent = json.loads(run.paste(run.line("send as alice")))

    assert sent["message"]["isEncrypted"] is True
    wait_until(lambda: "The results are in" in heard.read_text())
    wait_until(lambda: list((run.home / "mail").glob("*.eml")))
    listener.send_signal(signal.SIGINT)
    assert listener.wait(10) == 0


def test_a_program_that_was_killed_returns(run: Run) -> None:
    before = run.programs()
    assert set(before) >= PROGRAMS

    kill(before["hot"])

    wait_until(lambda: run.programs().get("hot", before["hot"]) != before["hot"])


def test_a_stop_leaves_no_process_and_the_next_run_finds_all(run: Run) -> None:
    secrets, sending = runfile.read(run.home / "env"), run.line("send as alice")
    sent = json.loads(run.paste(sending))

    run.stop()
    assert run.process.returncode == 0
    assert marked(run.mark) == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int((run.home / "postgres.port").read_text())))

    with Run(run.home, run.ports) as second:
        assert runfile.read(run.home / "env") == secrets
        assert second.line("send as alice") == sending
        again = json.loads(second.paste(sending))
    assert again["message"]["conversationId"] == sent["message"]["conversationId"]
    assert again["message"]["seq"] == sent["message"]["seq"] + 1
