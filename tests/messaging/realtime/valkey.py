"""A Valkey server of one's own, to be killed, frozen and started again without hurting anybody."""

import os
import signal
import time
from pathlib import Path

import redis

from config.embedded.valkey import Valkey


class MortalValkey:
    """The server behind *url*, which stays the same over restarts."""

    def __init__(self, home: Path) -> None:
        self._valkey = Valkey(home, durable=False)
        self.url = self._valkey.start()

    def pid(self) -> int:
        with redis.Redis.from_url(self.url) as client:
            return int(client.info("server")["process_id"])

    def kill(self) -> None:
        """End it as a crash would, and wait until nobody answers."""
        pid = self.pid()
        os.kill(pid, signal.SIGKILL)
        while Path(f"/proc/{pid}").exists() and not _is_zombie(pid):
            time.sleep(0.01)

    def start(self) -> None:
        assert self._valkey.start() == self.url

    def stop(self) -> None:
        self._valkey.stop()


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
