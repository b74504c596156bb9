"""Fixtures for the queueing app."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.queueing.incidents import Receiver
from tests.queueing.kinds import Script
from tests.queueing.kinds import script as the_script


@pytest.fixture
def script() -> Iterator[Script]:
    """What the probes do; nothing until told."""
    the_script.forget()
    yield the_script
    the_script.forget()


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    made = Receiver()
    settings.ALERT_URL = made.url
    settings.ALERT_EMAILS = ["ops@clinic.example"]
    yield made
    made.server.shutdown()
    made.server.server_close()
