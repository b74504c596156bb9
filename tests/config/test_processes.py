"""The supervisor restarts what dies and leaves nothing behind."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from config.processes import Program, Supervisor

STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True)"
FOREVER = "; time.sleep(600)"


def python(name: str, code: str) -> Program:
    return Program(name, (sys.executable, "-c", code))


def until(supervisor: Supervisor, done: Callable[[str], bool]) -> str:
    """Run until *done* with the log, then stop; the whole log."""
    stream, deadline = supervisor.log.stream, time.monotonic() + 20
    assert isinstance(stream, io.StringIO)

    def tick() -> None:
        if done(stream.getvalue()) or time.monotonic() > deadline:
            supervisor.stop()

    supervisor.run(tick)
    return stream.getvalue()


def is_alive(pid: int) -> bool:
    """Whether the process still runs after some patience: a kill takes a moment."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return False
        except (FileNotFoundError, ProcessLookupError):
            return False
        time.sleep(0.05)
    return True


def test_a_program_that_dies_is_started_again() -> None:
    supervisor = Supervisor([python("short", "print('hello')")], io.StringIO())

    log = until(supervisor, lambda log: log.count("hello") == 2)

    assert log.count("short | hello") == 2
    assert "short | ended with 0" in log


def test_a_program_that_keeps_dying_is_tried_ever_more_rarely() -> None:
    supervisor = Supervisor([python("broken", "raise SystemExit(3)")], io.StringIO())

    until(supervisor, lambda log: log.count("ended with 3") == 3)

    assert supervisor.processes[0].wait == 2.0


def test_the_end_of_one_does_not_end_the_others() -> None:
    steady = python("steady", "import time; print('up', flush=True); time.sleep(600)")
    supervisor = Supervisor([steady, python("short", "print('gone')")], io.StringIO())

    log = until(supervisor, lambda log: log.count("gone") == 2)

    assert log.count("up") == 1


def test_what_does_not_listen_is_killed_after_the_grace() -> None:
    supervisor = Supervisor([python("deaf", STUBBORN + FOREVER)], io.StringIO(), grace=0.5)

    begun = time.monotonic()
    log = until(supervisor, lambda log: "up" in log)

    assert "deaf | ended with -9" in log
    assert time.monotonic() - begun < 10


def test_a_second_signal_kills_at_once() -> None:
    supervisor = Supervisor([python("deaf", STUBBORN + FOREVER)], io.StringIO(), grace=60)

    def done(log: str) -> bool:
        if "up" in log:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
        return False

    assert "ended with -9" in until(supervisor, done)


def test_grandchildren_are_killed_with_their_parent() -> None:
    code = (
        "import subprocess, sys, time;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "print('pid', child.pid, flush=True)"
    )
    supervisor = Supervisor([python("parent", code)], io.StringIO())

    log = until(supervisor, lambda log: "ended" in log)

    assert not is_alive(int(log.split("pid ")[1].split()[0]))


def test_children_end_when_the_supervisor_is_killed() -> None:
    code = (
        "import sys; from config.processes import Program, Supervisor;"
        "child = 'import os, time; print(os.getpid(), flush=True); time.sleep(600)';"
        "Supervisor([Program('child', (sys.executable, '-c', child))], sys.stdout).run()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        pid = int(supervisor.stdout.readline().split()[-1])
        supervisor.kill()

    assert not is_alive(pid)
