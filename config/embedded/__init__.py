"""Real PostgreSQL and Valkey, started from wheels, for whoever set no DATABASE_URL and REDIS_URL.

Both keep their data and their port under one folder, listen on the loopback only and ask for a
password. Starting is idempotent: a second process finds the first one's servers, and the last one
that uses them stops them.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from config.embedded.places import reachable
from config.embedded.postgres import Postgres
from config.embedded.valkey import Valkey

__all__ = ["Embedded"]


class Embedded:
    """The two servers whose data lies under *home*; not *durable* means fast and forgetful."""

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.home = reachable(home.resolve())
        self.postgres = Postgres(self.home, durable=durable)
        self.valkey = Valkey(self.home / "valkey", durable=durable)
        self._use: IO[str] | None = None

    def start(self) -> dict[str, str]:
        """The DATABASE_URL and REDIS_URL of servers that answer."""
        with self._lock():
            if self._use is None:
                self._use = (self.home / ".users").open("a")
                fcntl.flock(self._use, fcntl.LOCK_SH)
            return {"DATABASE_URL": self.postgres.start(), "REDIS_URL": self.valkey.start()}

    def stop(self) -> None:
        """Stop both, unless another process still uses them."""
        with self._lock():
            if self._use is not None:
                self._use.close()
                self._use = None
            if self._unused():
                self.postgres.stop()
                self.valkey.stop()

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with (self.home / ".lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _unused(self) -> bool:
        with (self.home / ".users").open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True
