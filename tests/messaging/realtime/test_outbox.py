"""Outboxes: in order, bounded, and an end for who does not read."""

import asyncio
from typing import Any

import pytest

from messaging.realtime import limits
from messaging.realtime.closing import Close
from messaging.realtime.outbox import QueueOutbox, TransportOutbox
from messaging.realtime.wire import Wire, closing, header

pytestmark = pytest.mark.asyncio


class Server:
    """An ASGI server's send; it takes nothing while it is *stuck*."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.free = asyncio.Event()
        self.free.set()

    async def send(self, message: dict[str, Any]) -> None:
        await self.free.wait()
        self.sent.append(message)


class Transport(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.buffered = 0
        self.closed = self.aborted = False

    def write(self, data: Any) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return self.buffered

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True


def wire(n: int) -> Wire:
    return Wire({"n": n})


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
async def test_a_header_has_the_length_in_the_shortest_form(length: int, expected: bytes) -> None:
    assert header(0x81, length) == expected


async def test_a_transport_gets_frames_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    transport, server = Transport(), Server()
    outbox = TransportOutbox(transport, server.send)

    outbox.write(wire(1))
    outbox.write(wire(2))

    assert transport.written == b'\x81\x07{"n":1}\x81\x07{"n":2}'
    assert server.sent == []


async def test_a_reader_that_is_too_slow_is_closed_and_then_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "ABORT", 0.01)
    transport, server = Transport(), Server()
    outbox = TransportOutbox(transport, server.send)
    transport.buffered = limits.OUTBOX + 1

    outbox.write(wire(1))
    outbox.write(wire(2))

    assert transport.written == closing(Close.SLOW) == b"\x88\x02\x11\x9c"
    assert (transport.closed, transport.aborted, outbox.gone) == (True, False, True)
    await asyncio.sleep(0.03)
    assert transport.aborted


async def test_signals_are_left_out_first() -> None:
    transport = Transport()
    outbox = TransportOutbox(transport, Server().send)
    transport.buffered = limits.PACE + 1

    outbox.signal(wire(1))
    outbox.write(wire(2))

    assert transport.written == wire(2).framed


async def test_a_polite_close_lets_no_later_frame_out() -> None:
    transport, server = Transport(), Server()
    outbox = TransportOutbox(transport, server.send)

    outbox.close(Close.REVOKED)
    outbox.write(wire(1))
    await settle()

    assert transport.written == b""
    assert server.sent == [{"type": "websocket.close", "code": 4409}]


async def test_a_polite_close_that_cannot_get_out_ends_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "ABORT", 0.01)
    transport, server = Transport(), Server()
    server.free.clear()

    TransportOutbox(transport, server.send).close(Close.REVOKED)
    await asyncio.sleep(0.05)

    assert transport.aborted


async def test_other_servers_get_frames_in_order_and_then_the_close() -> None:
    server = Server()
    outbox = QueueOutbox(server.send)

    for n in range(3):
        outbox.write(wire(n))
    outbox.close(Close.UNAUTHENTICATED)
    await settle()

    assert server.sent == [
        *({"type": "websocket.send", "text": f'{{"n":{n}}}'} for n in range(3)),
        {"type": "websocket.close", "code": 4401},
    ]


async def test_on_other_servers_too_a_slow_reader_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "OUTBOX", 20)
    server = Server()
    server.free.clear()
    outbox = QueueOutbox(server.send)

    for n in range(6):
        outbox.write(wire(n))
        await asyncio.sleep(0)
    assert outbox.gone
    server.free.set()
    await settle()

    assert server.sent[-1] == {"type": "websocket.close", "code": 4508}
    assert outbox.waiting == 0
