"""Where a socket's frames wait for their reader, bounded, and what happens to who does not read.

On our own uvicorn protocol that is the transport's buffer. On any other server it is a queue that
a task empties through the server's `send`.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from messaging.realtime import limits
from messaging.realtime.closing import Close
from messaging.realtime.wire import Wire, closing

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Outbox:
    """Takes frames until it is *gone*; writing never blocks."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._closing: asyncio.Task[None] | None = None
        self.gone = False

    @property
    def waiting(self) -> int:
        """Bytes that the reader has not taken yet."""
        raise NotImplementedError

    @property
    def clogged(self) -> bool:
        """Whether something that can wait had better wait."""
        return not self.gone and self.waiting > limits.PACE

    def write(self, wire: Wire) -> None:
        """Add *wire*, or close a socket whose reader is too slow."""
        raise NotImplementedError

    def signal(self, wire: Wire) -> None:
        """Add *wire* if nothing has to be left out yet; it may be lost."""
        if not self.clogged:
            self.write(wire)

    def close(self, code: Close) -> None:
        """Write nothing more and close, politely at first."""
        if not self.gone:
            self.gone = True
            self._closing = asyncio.create_task(self._close(code))

    async def _close(self, code: Close) -> None:
        try:
            async with asyncio.timeout(limits.ABORT):
                await self._finish()
                await self._send({"type": "websocket.close", "code": int(code)})
        except Exception:  # the peer is gone already, or does not read
            self._abort()

    async def _finish(self) -> None:
        """Return when what was written is in the server's hands."""

    def _abort(self) -> None:
        raise NotImplementedError


class TransportOutbox(Outbox):
    """Writes encoded frames past the server to the *transport*, whose buffer is the outbox."""

    def __init__(self, transport: asyncio.Transport, send: Send) -> None:
        super().__init__(send)
        self._transport = transport

    @property
    def waiting(self) -> int:
        return self._transport.get_write_buffer_size()

    def write(self, wire: Wire) -> None:
        transport = self._transport
        if self.gone or transport.is_closing():
            return
        if transport.get_write_buffer_size() > limits.OUTBOX:
            self._cut()
        else:
            transport.write(wire.framed)

    def _cut(self) -> None:
        self.gone = True
        self._transport.write(closing(Close.SLOW))
        self._transport.close()
        # The close frame stands behind a full buffer; who does not read it sees a plain end.
        asyncio.get_running_loop().call_later(limits.ABORT, self._transport.abort)

    def _abort(self) -> None:
        self._transport.abort()


class QueueOutbox(Outbox):
    """Hands frames to the server's `send` one by one, in a task of its own."""

    def __init__(self, send: Send) -> None:
        super().__init__(send)
        self._queue: deque[Wire] = deque()
        self._bytes = 0
        self._sender: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        return self._bytes

    def write(self, wire: Wire) -> None:
        if self.gone:
            return
        if self._bytes > limits.OUTBOX:
            self._abort()
            self.close(Close.SLOW)
            return
        self._queue.append(wire)
        self._bytes += len(wire.text)
        if self._sender is None:
            self._sender = asyncio.create_task(self._empty())

    async def _empty(self) -> None:
        try:
            while self._queue:
                wire = self._queue[0]
                await self._send({"type": "websocket.send", "text": wire.text.decode()})
                self._queue.popleft()
                self._bytes -= len(wire.text)
        except Exception:  # the peer is gone; its consumer hears of it by itself
            self.gone = True
        finally:
            self._sender = None

    async def _finish(self) -> None:
        if self._sender is not None:
            await self._sender

    def _abort(self) -> None:
        if self._sender is not None:
            self._sender.cancel()
            self._sender = None
        self._queue.clear()
        self._bytes = 0
