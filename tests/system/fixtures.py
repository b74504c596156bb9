"""The fixture `system`: started by the first test that asks for it, stopped after the last test."""

import os
from collections.abc import Iterator

import pytest

from tests.system.environment import ROOT
from tests.system.system import System


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    """A complete Waxwing; each xdist worker has its own."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    running = System(ROOT / ".local" / f"system{worker}")
    try:
        yield running.start()
    finally:
        running.stop()
