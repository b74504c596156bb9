"""`make run`, from nothing to nothing: everything answers, what dies returns, nothing stays."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config import runfile
from config.embedded.places import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
READY_SECONDS, STOP_SECONDS = 60, 20
PORTS = ("WEB_PORT", "WS_PORT", "FLOWER_PORT", "MAIL_PORT")

pytestmark = pytest.mark.journey


class System:
    """A whole Waxwing under a folder of its own."""

    def __init__(self, home: Path, ports: dict[str, str]) -> None:
        self.home = home
        self.output = home.parent / "output"
        own = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.variables = {**own, **ports}
        self.process = self.start(["up"], self.output)
        self.seen: set[int] = set()

    def start(self, command: list[str], output: Path) -> subprocess.Popen[bytes]:
        arguments = [sys.executable, "manage.py", *command, "--home", str(self.home)]
        with output.open("wb") as file:
            return subprocess.Popen(
                arguments, cwd=ROOT, env=self.variables, stdout=file, stderr=subprocess.STDOUT
            )

    def said(self) -> str:
        return self.output.read_text()

    def paste(self, after: str) -> list[str]:
        """The line that stands under the one that says *after*, as a shell takes it."""
        return ["sh", "-c", self.said().split(after)[1].split("\n\n")[1].strip()]

    def programs(self) -> dict[str, int]:
        """The process of each program, by PROCESS_NAME."""
        found = {}
        for pid in children(self.process.pid):
            variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            names = [each[13:] for each in variables if each.startswith(b"PROCESS_NAME=")]
            found[names[0].decode()] = pid
        self.seen |= {pid for one in found.values() for pid in (one, *children(one))}
        return found

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(STOP_SECONDS)


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def until(fact: Callable[[], object], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if fact():
            return True
        time.sleep(0.1)
    return False


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def uses(home: Path) -> list[int]:
    """The processes that were started with *home* in their command or folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            folder = str((entry / "cwd").readlink())
            if str(home).encode() in (entry / "cmdline").read_bytes() or str(home) in folder:
                found.append(int(entry.name))
    return [pid for pid in found if is_alive(pid)]


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="waxwing-"))
    folder.chmod(0o755)
    yield folder / "run"
    shutil.rmtree(folder)


def test_one_command_starts_everything_and_leaves_nothing(home: Path) -> None:
    ports = {name: str(free_port()) for name in PORTS}
    system = System(home, ports)
    try:
        assert until(lambda: "Waxwing is ready" in system.said(), READY_SECONDS), system.said()
        heard = home.parent / "heard"
        listener = system.start(["listen", "bob"], heard)
        assert until(lambda: '"welcome"' in heard.read_text(), 15), heard.read_text()
        sent = subprocess.run(
            system.paste("send as alice"), cwd=ROOT, capture_output=True, text=True
        )
        assert re.search(r'"isEncrypted": ?true', sent.stdout), sent.stdout + sent.stderr
        assert until(lambda: "The results are in" in heard.read_text(), 15), system.said()
        listener.send_signal(signal.SIGINT)
        listener.wait(10)

        before = system.programs()
        assert set(before) == {"web", "sockets", "hot", "slow", "beat", "flower", "mail"}
        os.kill(before["hot"], signal.SIGKILL)
        assert until(lambda: system.programs().get("hot", before["hot"]) != before["hot"], 10)

        system.stop()
        assert [pid for pid in system.seen if is_alive(pid)] == []
        assert uses(home) == []
    finally:
        system.process.kill()
        Path(home / "env").exists()


def test_a_second_run_keeps_people_and_keys(home: Path) -> None:
    ports = {name: str(free_port()) for name in PORTS}
    for _ in range(2):
        system = System(home, ports)
        try:
            assert until(lambda: "Waxwing is ready" in system.said(), READY_SECONDS)  # noqa: B023
            kept = runfile.read(home / "env")
            assert kept["DEMO_PASSWORD"] in system.said()
        finally:
            system.stop()
