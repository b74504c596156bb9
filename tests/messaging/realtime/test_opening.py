"""Opening a socket: who gets in, by what, and how everybody else is told."""

import json
import time
from contextlib import suppress
from uuid import UUID

import pytest
from pytest_django import Settings
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect as raw_connect

from messaging.models import User
from messaging.realtime import limits
from messaging.services import accounts
from tests.messaging.realtime.client import Client
from tests.messaging.realtime.conftest import Connect, Group, token_of
from tests.messaging.realtime.happenings import happen
from tests.messaging.realtime.servers import QUICK, SocketServer


def test_a_token_in_the_hello_is_welcomed_with_what_a_client_needs(
    connect: Connect, group: Group, alice: User, bob: User
) -> None:
    room = group(alice, bob)
    head = happen(room, 3)

    welcome = connect().hello(token_of(alice))

    assert welcome["userId"] == str(alice.pk)
    assert UUID(welcome["sessionId"])
    assert welcome["heads"] == {str(room): head}
    assert welcome["heartbeat"] == QUICK["HEARTBEAT"]
    assert welcome["expiresAt"].endswith("Z")
    assert welcome["limits"]["conversations"] == 200


def test_a_token_in_the_header_is_enough(
    connect: Connect, socket_server: SocketServer, alice: User
) -> None:
    headers = {"Authorization": f"Bearer {token_of(alice)}"}

    with Client(socket_server.url, additional_headers=headers) as client:
        assert client.hello()["userId"] == str(alice.pk)


def test_a_ticket_opens_one_socket_and_is_not_in_the_log(
    connect: Connect, socket_server: SocketServer, alice: User
) -> None:
    ticket = accounts.issue_ticket(accounts.authenticate(token_of(alice)))
    url = f"{socket_server.url}?ticket={ticket}"

    with Client(url) as first, Client(url) as second:
        assert first.hello()["userId"] == str(alice.pk)
        assert second.ask("hello")["code"] == "unauthenticated"
        assert second.end() == 4401
    assert ticket not in socket_server.log.read_text()


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "x" * 8_000])
def test_a_wrong_token_is_told_and_closed(connect: Connect, token: str) -> None:
    client = connect()

    error = client.ask("hello", token=token)

    assert (error["type"], error["code"]) == ("error", "unauthenticated")
    assert client.end() == 4401


def test_no_token_at_all_is_closed(connect: Connect) -> None:
    client = connect()

    assert client.ask("hello")["code"] == "unauthenticated"
    assert client.end() == 4401


def test_who_does_not_say_hello_first_is_closed(connect: Connect) -> None:
    client = connect()

    assert client.ask("ping")["code"] == "unauthenticated"
    assert client.end() == 4401


def test_who_says_nothing_is_closed(connect: Connect) -> None:
    assert connect().end(QUICK["HELLO"] + 2) == 4408


def test_a_second_hello_is_refused_and_ends_nothing(connect: Connect, alice: User) -> None:
    client = connect(alice)

    assert client.ask("hello", token=token_of(alice))["code"] == "conflict"
    assert client.ask("ping")["type"] == "pong"


def test_our_subprotocol_is_chosen_and_another_is_refused(
    connect: Connect, socket_server: SocketServer, alice: User
) -> None:
    with Client(socket_server.url, subprotocols=["other", "messaging.v1"]) as client:
        assert client.socket.subprotocol == "messaging.v1"
        client.hello(token_of(alice))
    with raw_connect(socket_server.url, compression=None) as plain:
        assert plain.subprotocol is None
    with Client(socket_server.url, subprotocols=["other"]) as other:
        assert other.end() == 4406


@pytest.mark.req("S139")
def test_a_page_of_another_origin_cannot_open_a_socket(
    connect: Connect, socket_server: SocketServer
) -> None:
    with pytest.raises(InvalidStatus):
        Client(socket_server.url, origin="https://elsewhere.example")


@pytest.mark.parametrize("noise", ["hello", "[]", '{"type":"ping"', "", b'{"type":"ping"}', b"\0"])
def test_what_is_no_json_object_is_closed(
    connect: Connect, alice: User, noise: str | bytes
) -> None:
    client = connect(alice)

    client.socket.send(noise)

    assert client.end() == 4400


@pytest.mark.parametrize("pieces", [1, 5])
def test_a_frame_that_is_too_long_is_closed(connect: Connect, alice: User, pieces: int) -> None:
    client = connect(alice)
    text = json.dumps({"type": "ping", "id": "x" * limits.FRAME})
    size = len(text) // pieces + 1

    with suppress(ConnectionClosed):
        client.socket.send(text[at : at + size] for at in range(0, len(text), size))

    # Who is still sending when the server closes may see a reset before the code.
    assert client.end() in (1009, 1006)


def test_a_flood_of_frames_is_closed(connect: Connect, alice: User) -> None:
    client = connect(alice)

    for _ in range(5 * limits.FRAMES_AT_ONCE):
        with suppress(ConnectionClosed):
            client.socket.send('{"type":"ping"}')

    assert client.end() == 4429
    assert client.heard[-1]["code"] == "quota-exceeded"


def test_a_wrong_frame_is_told_and_ends_nothing(connect: Connect, alice: User) -> None:
    client = connect(alice)

    error = client.ask("read", conversationId="nowhere", seq="x")
    assert (error["type"], error["code"], error["retryable"]) == ("error", "validation", False)
    assert client.ask("dance")["code"] == "validation"
    assert client.ask("ping")["type"] == "pong"


def test_a_person_has_ten_sockets_at_most(connect: Connect, alice: User, bob: User) -> None:
    token = token_of(alice)
    clients = [connect() for _ in range(limits.SOCKETS)]
    for client in clients:
        client.hello(token)
    one_more = connect()

    assert one_more.ask("hello", token=token)["code"] == "quota-exceeded"
    assert one_more.end() == 4429
    clients[0].close()
    time.sleep(0.3)
    assert connect().hello(token)
    assert connect(bob)


def test_a_token_that_expires_closes_its_socket(
    connect: Connect, alice: User, settings: Settings
) -> None:
    settings.JWT_ACCESS_SECONDS = 2
    client = connect(alice)

    assert client.end() == 4401
    assert client.heard[-1]["code"] == "token-expired"


def test_a_refreshed_token_keeps_the_socket_and_another_persons_ends_it(
    connect: Connect, alice: User, bob: User
) -> None:
    client = connect(alice)

    fresh = client.ask("refresh", token=token_of(alice))
    assert fresh["type"] == "ack"
    assert fresh["result"]["expiresAt"].endswith("Z")
    assert client.ask("refresh", token="nonsense")["code"] == "unauthenticated"
    assert client.ask("refresh", token=token_of(bob))["code"] == "forbidden"
    assert client.end() == 4403


def test_a_session_that_was_ended_loses_its_socket(connect: Connect, alice: User) -> None:
    tokens = accounts.open_session(user=alice)
    client, other = connect(), connect(alice)
    client.hello(tokens.access)

    accounts.revoke(user=alice, session_id=tokens.session_id)

    assert client.end() == 4409
    assert other.ask("ping")["type"] == "pong"


def test_a_disabled_account_loses_its_sockets(connect: Connect, alice: User, bob: User) -> None:
    client, other = connect(alice), connect(bob)

    User.objects.filter(pk=alice.pk).update(is_active=False)

    assert client.end() == 4410
    assert other.ask("ping")["type"] == "pong"


def test_pings_tell_the_heads_of_what_is_followed(
    connect: Connect, group: Group, alice: User, bob: User
) -> None:
    room = group(alice, bob)
    client = connect(alice)
    client.follow(room)
    head = happen(room, 2)

    ping = client.until(
        lambda frame: frame["type"] == "ping" and frame["heads"] == {str(room): head}
    )

    assert ping
