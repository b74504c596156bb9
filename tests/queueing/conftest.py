"""Fixtures for the queueing app."""

from collections.abc import Iterator

import pytest

from tests.queueing.kinds import Script
from tests.queueing.kinds import script as the_script


@pytest.fixture
def script() -> Iterator[Script]:
    """What the probes do; nothing until told."""
    the_script.forget()
    yield the_script
    the_script.forget()
