"""The pytest plugin that gives every run its servers and its secrets, before settings are read.

Servers are started under .local/test, without durability, unless DATABASE_URL or REDIS_URL name
others. Each xdist worker has its own pair of Redis databases and its own key prefixes.
"""

import base64
import hashlib
import json
import os
from collections.abc import Generator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from config.embedded import Embedded

HOME = Path(__file__).resolve().parent.parent / ".local" / "test"


class FastHasher(PBKDF2PasswordHasher):
    """The usual hash with one round, so that any process can verify what a test made."""

    iterations = 1


def key(name: str) -> str:
    """A key for tests only: 32 bytes in base64, the same in every process."""
    return base64.b64encode(hashlib.sha256(f"test {name}".encode()).digest()).decode()


SECRETS = {
    "SECRET_KEY": key("SECRET_KEY") * 2,
    "CHANNEL_KEY": key("CHANNEL_KEY"),
    "JWT_SEEDS": key("JWT_SEEDS"),
    "CRYPTO_KEYRING": json.dumps({"test-1": key("CRYPTO_KEYRING")}),
}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Set the environment before pytest-django reads the settings."""
    for name, value in SECRETS.items():
        os.environ.setdefault(name, value)
    if not {"DATABASE_URL", "REDIS_URL"} <= os.environ.keys():
        servers = Embedded(HOME, durable=False)
        for name, value in servers.start().items():
            os.environ.setdefault(name, value)
        early_config.add_cleanup(servers.stop)
    separate_worker(os.environ.get("PYTEST_XDIST_WORKER", ""))
    yield


def separate_worker(worker: str) -> None:
    """Give the xdist *worker* its own Redis databases and prefixes."""
    if not worker:
        return
    number = int(worker.removeprefix("gw")) + 1  # the first pair is for a run without xdist
    os.environ["REDIS_URL"] = f"{os.environ['REDIS_URL'].rpartition('/')[0]}/{2 * number}"
    os.environ["REDIS_QUEUE_DB"] = str(2 * number + 1)
    os.environ["CHANNEL_PREFIX"] = f"waxwing-{worker}"
    os.environ["BROKER_PREFIX"] = f"waxwing-{worker}:"


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    """Use the fast password hash in this process."""
    if settings.configured:
        settings.PASSWORD_HASHERS = ["config.testing.FastHasher"]
