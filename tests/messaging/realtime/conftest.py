"""Servers for the tests of the socket, and the people who use it."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from django.conf import settings

from messaging.models import User
from messaging.realtime.layer import EventLayer
from messaging.services import accounts, conversations
from tests.messaging.realtime.client import Client
from tests.messaging.realtime.layers import layer_at
from tests.messaging.realtime.servers import SocketServer
from tests.messaging.realtime.valkey import MortalValkey

Connect = Callable[..., Client]
Group = Callable[..., UUID]


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


@pytest_asyncio.fixture
async def layer(valkey: MortalValkey) -> AsyncIterator[EventLayer]:
    made = layer_at(valkey.url)
    yield made
    await made.flush()


@pytest.fixture(scope="session")
def socket_server(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SocketServer]:
    """One socket server for all tests that do not harm it."""
    log = tmp_path_factory.mktemp("sockets") / "log"
    server = SocketServer(log, redis_url=settings.REDIS_URL)
    yield server
    server.stop()
    assert "Traceback" not in log.read_text()


def token_of(user: User) -> str:
    """An access token of a new session of *user*."""
    return accounts.open_session(user=user).access


@pytest.fixture
def connect(transactional_db: None, socket_server: SocketServer) -> Iterator[Connect]:
    """Opens sockets; one that is given a user is welcomed already."""
    clients: list[Client] = []

    def open_socket(user: User | None = None, *, url: str | None = None, **hello: Any) -> Client:
        client = Client(url or socket_server.url)
        clients.append(client)
        if user is not None:
            client.hello(token_of(user), **hello)
        return client

    yield open_socket
    for client in clients:
        client.close()


@pytest.fixture
def group(transactional_db: None) -> Group:
    """Starts a group of people; the first one owns it."""

    def start(creator: User, *others: User) -> UUID:
        answer = conversations.start(
            creator=creator, participant_ids=[other.pk for other in others], title=""
        )
        return UUID(answer.body["id"])

    return start
