"""The variables of a test system's programs: what `make run` gives its own, and nothing of ours."""

import os
from collections.abc import Mapping
from pathlib import Path

from config import runfile
from config.programs import Ports
from tests.system.processes import MARK

ROOT = Path(__file__).resolve().parent.parent.parent
DATABASE = "waxwing"
KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "VIRTUAL_ENV")


def environment(home: Path, ports: Ports, servers: Mapping[str, str], mark: str) -> dict[str, str]:
    """Addresses, ports, fresh secrets, and the *mark* by which the processes are found."""
    inherited = {name: os.environ[name] for name in KEPT if name in os.environ}
    secrets = {name: make() for name, make in runfile.MADE.items()}
    return (
        inherited
        | secrets
        | {
            "DATABASE_URL": f"{servers['DATABASE_URL'].rpartition('/')[0]}/{DATABASE}",
            "REDIS_URL": servers["REDIS_URL"],
            "PUBLIC_URL": f"http://127.0.0.1:{ports.web}",
            "WS_PORT": str(ports.sockets),
            "FLOWER_PORT": str(ports.flower),
            "FLOWER_URL": f"http://127.0.0.1:{ports.flower}/flower/",
            "FLOWER_DB": str(home / "flower"),
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": str(ports.mail),
            "RATE_LIMIT_SENDS": "1000000",  # a crowd of a few
            "RATE_LIMIT_CALLS": "1000000",
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(ROOT),
            MARK: mark,
        }
    )
