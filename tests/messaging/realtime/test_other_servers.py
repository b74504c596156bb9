"""A server that does not hand out its transport: the same socket, a little slower."""

from collections.abc import Iterator

import pytest
from django.conf import settings

from messaging.models import User
from messaging.realtime import limits
from messaging.services import accounts
from tests.messaging.realtime.conftest import Connect, Group, token_of
from tests.messaging.realtime.happenings import happen
from tests.messaging.realtime.servers import SocketServer


@pytest.fixture(scope="module")
def plain_server(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SocketServer]:
    log = tmp_path_factory.mktemp("plain") / "log"
    server = SocketServer(log, redis_url=settings.REDIS_URL, plain=True)
    yield server
    server.stop()


def test_events_come_in_order_after_the_answer(
    connect: Connect, plain_server: SocketServer, group: Group, alice: User, bob: User
) -> None:
    room = group(alice, bob)
    head = happen(room, 600)
    client = connect(bob, url=plain_server.url)

    assert client.follow(room, since=0)["resumed"] is True
    happen(room, 20)

    assert client.up_to(head + 20) == list(range(1, head + 21))


def test_a_refusal_is_told_before_the_close(connect: Connect, plain_server: SocketServer) -> None:
    client = connect(url=plain_server.url)

    assert client.ask("hello", token="nonsense")["code"] == "unauthenticated"
    assert client.end() == 4401


def test_a_ticket_in_the_address_is_taken(
    connect: Connect, plain_server: SocketServer, alice: User
) -> None:
    ticket = accounts.issue_ticket(accounts.authenticate(token_of(alice)))

    assert connect(url=f"{plain_server.url}?ticket={ticket}").hello()["userId"] == str(alice.pk)


def test_a_frame_that_is_too_long_is_closed(
    connect: Connect, plain_server: SocketServer, alice: User
) -> None:
    client = connect(alice, url=plain_server.url)

    client.say("ping", padding="x" * limits.FRAME)

    assert client.end() == 1009
