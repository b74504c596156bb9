"""The peer: the Node and Bull stack in its strongest form, on the same servers and in the same run."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.stack import HOME, Stack, require

LIMIT = 300  # seconds for one bench of the peer


@dataclass(frozen=True, slots=True)
class Peer:
    """A copy of the peer with its packages installed."""

    folder: Path
    stack: Stack

    @classmethod
    def find(cls, stack: Stack) -> "Peer | None":
        """The peer that PEERS_DIR holds, copied so that its packages can be put beside it."""
        source = os.environ.get("PEERS_DIR")
        if not source:
            return None
        folder = HOME / "peer"
        shutil.copytree(Path(source) / "bull", folder, dirs_exist_ok=True)
        if not (folder / "node_modules").exists():
            install = [require("npm"), "install", "--silent", "--no-save"]
            subprocess.run(install, cwd=folder, check=True)
        return cls(folder, stack)

    def run(self, bench: str, **settings: object) -> dict[str, Any]:
        """The result of its *bench* in the `lean` profile; refuses one that is not correct."""
        environment = {
            **os.environ,
            "PROFILE": "lean",
            "PG_URL": self.stack.database("peer"),
            "REDIS_URL": f"{self.stack.urls['REDIS_URL'].rpartition('/')[0]}/5",
            **{name: str(value) for name, value in settings.items()},
        }
        done = subprocess.run(
            [require("node"), "bench.js", bench],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            timeout=LIMIT,
            check=True,
        )
        result: dict[str, Any] = json.loads(done.stdout.decode().strip().splitlines()[-1])
        if result.get("ok", True) is not True:
            raise RuntimeError(f"the peer's result is not correct: {result['ok']}")
        return result
