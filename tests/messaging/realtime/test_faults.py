"""What must hurt nobody, or only whom it is about: no Redis, a killed server, a slow reader."""

import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from django.conf import settings

from messaging import events
from messaging.models import User
from messaging.realtime.layer import EventLayer
from tests.messaging.realtime.client import Client
from tests.messaging.realtime.conftest import Connect, Group, token_of
from tests.messaging.realtime.happenings import happen
from tests.messaging.realtime.servers import SocketServer
from tests.messaging.realtime.valkey import MortalValkey

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def mortal_server(
    django_db_setup: None, valkey_server: MortalValkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SocketServer]:
    log = tmp_path_factory.mktemp("mortal") / "log"
    patient = {"POLL": 5.0, "ABORT": 30.0}  # the poll must not hide what another way should find
    server = SocketServer(log, redis_url=valkey_server.url, limits=patient)
    yield server
    server.stop()


@pytest.fixture
def own_server(
    transactional_db: None,
    valkey: MortalValkey,
    mortal_server: SocketServer,
    monkeypatch: pytest.MonkeyPatch,
) -> SocketServer:
    """A server that may be killed, told of events through a Valkey that may be killed."""
    config = settings.CHANNEL_LAYERS["default"]["CONFIG"] | {"hosts": [valkey.url]}
    layer = EventLayer(**config)
    monkeypatch.setattr(events, "get_channel_layer", lambda: layer)
    return mortal_server


@pytest.mark.req("S86")
def test_redis_killed_and_back_loses_nothing(
    connect: Connect,
    group: Group,
    own_server: SocketServer,
    valkey: MortalValkey,
    alice: User,
    bob: User,
) -> None:
    rooms = [group(alice, bob) for _ in range(8)]
    clients = [connect(user, url=own_server.url) for user in (alice, bob) for _ in range(4)]
    for client in clients:
        for room in rooms:
            client.follow(room)

    heads = {room: happen(room, 5) for room in rooms}
    valkey.kill()
    back = threading.Timer(1.5, valkey.start)
    back.start()
    ends = time.monotonic() + 3
    while time.monotonic() < ends:
        heads = {room: happen(room) for room in rooms}
        time.sleep(0.02)
    back.join()

    for client in clients:
        for room, head in heads.items():
            assert client.up_to(head, room) == list(range(1, head + 1))


def test_a_quiet_room_hears_what_happened_while_redis_was_away(
    connect: Connect,
    group: Group,
    own_server: SocketServer,
    valkey: MortalValkey,
    alice: User,
    bob: User,
) -> None:
    """No later hint shows the gap: the confirmed subscription does, sooner than the poll."""
    room = group(alice, bob)
    client = connect(bob, url=own_server.url)
    client.follow(room)

    valkey.kill()
    happen(room, 3)
    valkey.start()
    began = time.monotonic()

    assert client.up_to(3) == [1, 2, 3]
    assert time.monotonic() - began < 4


def test_who_joins_while_redis_is_away_is_not_left_out(
    connect: Connect,
    group: Group,
    own_server: SocketServer,
    valkey: MortalValkey,
    alice: User,
    bob: User,
) -> None:
    room = group(alice, bob)
    happen(room, 2)
    valkey.kill()
    client = connect(bob, url=own_server.url)

    client.follow(room, since=0)
    assert client.up_to(2) == [1, 2]
    valkey.start()
    time.sleep(1.5)
    happen(room, 2)

    assert client.up_to(4) == [1, 2, 3, 4]


@pytest.mark.req("S86")
def test_a_killed_server_is_returned_to_and_resumed(
    connect: Connect, group: Group, own_server: SocketServer, alice: User, bob: User
) -> None:
    room = group(alice, bob)
    token = token_of(bob)
    before = connect(url=own_server.url)
    before.hello(token)
    before.follow(room)
    happen(room, 10)
    seen = before.up_to(10)

    own_server.kill()
    assert before.end() == 1006
    happen(room, 10)
    own_server.start()
    after = connect(url=own_server.url)
    after.hello(token, resume={str(room): seen[-1]})

    assert seen + after.up_to(20) == list(range(1, 21))


def test_a_server_that_stops_says_so(
    connect: Connect, group: Group, own_server: SocketServer, alice: User
) -> None:
    client = connect(alice, url=own_server.url)

    own_server.stop()

    assert client.end() == 1012
    own_server.start()


@pytest.mark.req("S86", "S88")
def test_a_slow_reader_is_closed_and_the_others_are_not_held_up(
    connect: Connect, group: Group, own_server: SocketServer, alice: User, bob: User
) -> None:
    room = group(alice, bob)
    quick = connect(alice, url=own_server.url)
    quick.follow(room)
    slow = reading_little(own_server.url)
    slow.hello(token_of(bob))
    slow.follow(room)

    finished = threading.Event()
    writer = threading.Thread(target=flood, args=(room, finished))
    writer.start()
    while not finished.is_set():
        quick.listen(0.2)
    writer.join()
    head = happen(room)
    assert quick.up_to(head) == list(range(1, head + 1))

    assert slow.end() == 4508
    assert len(slow.seqs()) < head
    again = connect(bob, url=own_server.url, resume={str(room): max(slow.seqs())})
    assert slow.seqs() + again.up_to(head) == list(range(1, head + 1))


def flood(room: UUID, finished: threading.Event) -> None:
    from django.db import connection

    happen(room, 500, filler="x" * 15_000)
    connection.close()
    finished.set()


def reading_little(url: str) -> Client:
    """A client that the kernel keeps little for, and that reads only when it is asked to."""
    address = urlsplit(url)
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
    sock.connect((address.hostname, address.port))
    return Client(url, sock=sock, max_queue=4)


def test_a_replay_is_paced_for_a_reader_that_is_slow_but_reads(
    connect: Connect, group: Group, own_server: SocketServer, alice: User, bob: User
) -> None:
    """Ten megabytes go through an outbox of one without its reader being closed."""
    room = group(alice, bob)
    head = happen(room, 700, hinted=False, filler="x" * 15_000)
    slow = reading_little(own_server.url)
    slow.hello(token_of(bob))

    slow.follow(room, since=0)
    time.sleep(1)

    assert slow.up_to(head) == list(range(1, head + 1))
    slow.close()
