"""What runs on this machine under a mark that is inherited through the environment."""

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MARK = "WAXWING_TEST_MARK"


@dataclass(frozen=True, slots=True)
class Running:
    """One living process."""

    pid: int
    parent: int
    name: str  # of its program: PROCESS_NAME
    command: str


def marked(mark: str) -> list[Running]:
    """All living processes that were started with *mark* in their environment."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):
                found += _looked_at(folder, mark)
    return found


def _looked_at(folder: Path, mark: str) -> list[Running]:
    items = folder.joinpath("environ").read_bytes().decode(errors="replace").split("\0")
    environment = dict(item.partition("=")[::2] for item in items)
    if environment.get(MARK) != mark:
        return []
    state, parent = folder.joinpath("stat").read_text().rpartition(")")[2].split()[:2]
    if state == "Z":
        return []
    command = folder.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    name = environment.get("PROCESS_NAME", "")
    return [Running(int(folder.name), int(parent), name, command.strip())]


def is_alive(pid: int) -> bool:
    """Whether *pid* runs and is not merely waiting to be reaped."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Send the signal; a process that is gone already is as good."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def under(folder: Path) -> list[int]:
    """All living processes whose command or working directory names *folder*."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            pid, place = int(entry.name), str(entry.joinpath("cwd").readlink())
            command = entry.joinpath("cmdline").read_bytes().decode(errors="replace")
            if is_alive(pid) and (str(folder) in command or place.startswith(str(folder))):
                found.append(pid)
    return found
