"""A socket server in a process of its own, on the database of the tests."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from websockets.exceptions import InvalidHandshake
from websockets.sync.client import connect

from config.embedded.places import free_port

QUICK = {"HELLO": 1.0, "HEARTBEAT": 1.0, "POLL": 0.5, "GRACE": 0.5}


class SocketServer:
    """uvicorn at *url*, with *limits* changed and hints from *redis_url*."""

    def __init__(
        self,
        log: Path,
        *,
        redis_url: str,
        limits: dict[str, float] | None = None,
        plain: bool = False,
    ) -> None:
        self.log = log
        self._arguments = ["plain"] if plain else []
        self.port = free_port()
        self.url = f"ws://127.0.0.1:{self.port}{settings.WS_PATH}"
        self._environment = {
            **os.environ,
            "DATABASE_URL": test_database(),
            "REDIS_URL": redis_url,
            "WS_PORT": str(self.port),
            "SOCKET_LIMITS": json.dumps({**QUICK, **(limits or {})}),
            "PROCESS_NAME": "waxwing-test-socket",
        }
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.messaging.realtime.serve", *self._arguments],
                env=self._environment,
                cwd=settings.BASE_DIR,
                stdout=output,
                stderr=output,
            )
        for _ in range(300):
            if self.process.poll() is not None:
                break
            try:
                with connect(self.url, compression=None, open_timeout=5):
                    return
            except (OSError, InvalidHandshake, EOFError):
                time.sleep(0.05)
        raise RuntimeError(self.log.read_text())

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)


def test_database() -> str:
    """DATABASE_URL with the name of the tests' database."""
    name = settings.DATABASES["default"]["NAME"]
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))


test_database.__test__ = False  # type: ignore[attr-defined]  # no test, whatever its name says
