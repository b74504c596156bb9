"""Servers for the tests of the socket."""

from collections.abc import Iterator

import pytest

from tests.messaging.realtime.valkey import MortalValkey


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MortalValkey]:
    server = MortalValkey(tmp_path_factory.mktemp("valkey"))
    yield server
    server.stop()


@pytest.fixture
def valkey(valkey_server: MortalValkey) -> MortalValkey:
    """A Valkey that a test may kill; it is up again for the next one."""
    valkey_server.start()
    return valkey_server
