"""The fixture `system`: started by the first test that asks for it, stopped after the last test."""

import os
from collections.abc import Iterator

import pytest

from tests.providers import all as fakes
from tests.providers.all import Providers
from tests.system.environment import ROOT
from tests.system.system import System


@pytest.fixture(scope="session")
def providers() -> Iterator[Providers]:
    """The providers of the system's channels."""
    with fakes.running() as providers:
        yield providers


@pytest.fixture(scope="session")
def system(providers: Providers) -> Iterator[System]:
    """A complete Waxwing; each xdist worker has its own."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    running = System(ROOT / ".local" / f"system{worker}", providers.environment)
    try:
        yield running.start()
    finally:
        running.stop()
