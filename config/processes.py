"""Keeps programs running: restarts what dies, joins their output, and stops them all together."""

import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import TextIO

STOP_SECONDS = 15.0  # between asking and killing: with the servers' own stop it stays below 20
TICK_SECONDS = 0.2
LONGEST_WAIT = 30.0  # seconds before a program that keeps dying is tried again
STEADY_SECONDS = 30.0  # a program that lived this long starts again at the shortest wait
COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Program:
    """Something to keep running: its *name* in the log, its command and its own variables."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


class Log:
    """One stream for the output of all programs, each line under its program's name."""

    def __init__(self, stream: TextIO, names: Sequence[str]) -> None:
        self.stream = stream
        self.width = max(map(len, names), default=0)
        self.colours = dict(zip(names, COLOURS * len(names), strict=False))
        self.coloured = stream.isatty()
        self.broken = False

    def write(self, name: str, line: str) -> None:
        """Write *line* under *name*; a stream that went away is remembered as broken."""
        head = f"{name:>{self.width}} |"
        if self.coloured:
            head = f"\x1b[{self.colours.get(name, 1)}m{head}\x1b[0m"
        try:
            self.stream.write(f"{head} {line}\n")
            self.stream.flush()
        except OSError:
            self.broken = True


class Process:
    """The process of one program, now or soon."""

    def __init__(self, program: Program, log: Log, selector: selectors.BaseSelector) -> None:
        self.program = program
        self.log = log
        self.selector = selector
        self.child: subprocess.Popen[bytes] | None = None
        self.rest = b""
        self.wait = 0.0
        self.due = 0.0
        self.started = 0.0

    def start(self) -> None:
        """Start it in a session of its own, so that a terminal's Ctrl-C reaches us alone."""
        self.started = time.monotonic()
        self.child = subprocess.Popen(
            self.program.command,
            env={**os.environ, **self.program.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_dies_with_us(),
        )
        assert self.child.stdout is not None
        os.set_blocking(self.child.stdout.fileno(), False)
        self.selector.register(self.child.stdout, selectors.EVENT_READ, self.read)

    def read(self) -> None:
        """Pass on the lines that it has written."""
        if self.child is None or self.child.stdout is None:
            return
        with suppress(BlockingIOError):
            while chunk := os.read(self.child.stdout.fileno(), 65536):
                *lines, self.rest = (self.rest + chunk).split(b"\n")
                for line in lines:
                    self.log.write(self.program.name, line.decode(errors="replace").rstrip())
            self.selector.unregister(self.child.stdout)  # it closed its output
            self.child.stdout.close()
            self.child.stdout = None

    def ended(self) -> bool:
        """Whether it has just ended; what it leaves behind in its session is killed."""
        if self.child is None or (code := self.child.poll()) is None:
            return False
        self.kill()
        self.read()
        if self.child.stdout is not None:
            self.selector.unregister(self.child.stdout)
            self.child.stdout.close()
        self.child, self.rest = None, b""
        steady = time.monotonic() - self.started > STEADY_SECONDS
        self.wait = 0.5 if steady else min(max(0.5, 2 * self.wait), LONGEST_WAIT)
        self.due = time.monotonic() + self.wait
        self.log.write(self.program.name, f"ended with {code}")
        return True

    def ask_to_stop(self) -> None:
        """Ask it to finish."""
        if self.child is not None:
            self.child.terminate()

    def kill(self) -> None:
        """Kill it and everything in its session's group."""
        if self.child is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.child.pid, signal.SIGKILL)


class Supervisor:
    """Runs *programs* until a signal says stop; a second signal kills them."""

    def __init__(
        self, programs: Sequence[Program], stream: TextIO, *, grace: float = STOP_SECONDS
    ) -> None:
        self.selector = selectors.DefaultSelector()
        self.log = Log(stream, [program.name for program in programs])
        self.processes = [Process(program, self.log, self.selector) for program in programs]
        self.grace = grace
        self.signals = 0

    def run(self, tick: Callable[[], None] = lambda: None) -> None:
        """Keep everything running and call *tick* a few times a second, until told to stop."""
        with self._listening():
            try:
                while not self.signals and not self.log.broken:
                    self._look(restart=True)
                    tick()
            finally:
                self._stop()

    def stop(self, *_: int | FrameType | None) -> None:
        """End the run; the second call kills."""
        self.signals += 1

    def _look(self, *, restart: bool) -> None:
        now = time.monotonic()
        for process in self.processes:
            if restart and process.child is None and process.due <= now:
                process.start()
        for key, _ in self.selector.select(TICK_SECONDS):
            key.data()
        for process in self.processes:
            process.ended()

    def _stop(self) -> None:
        for process in self.processes:
            process.ask_to_stop()
        deadline = time.monotonic() + self.grace
        while any(process.child for process in self.processes):
            if self.signals > 1 or time.monotonic() > deadline:
                for process in self.processes:
                    process.kill()
            self._look(restart=False)

    @contextmanager
    def _listening(self) -> Iterator[None]:
        caught = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, self.stop) for number in caught}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _dies_with_us() -> Callable[[], None] | None:
    """What a child does first so that it is asked to stop when we are killed (Linux only)."""
    if sys.platform != "linux":
        return None
    libc, parent = ctypes.CDLL(None), os.getpid()

    def arrange() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # killed in between
            os._exit(1)

    return arrange
