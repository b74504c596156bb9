"""The consumer of /ws/v1: accepts a socket, asks for a hello, and passes frames to commands.

It touches no database itself: that is done in the threads of `threads.call`.
"""

import asyncio
from typing import Any

from channels.consumer import AsyncConsumer, get_handler_name
from channels.exceptions import StopConsumer

from messaging.errors import Invalid, QuotaExceeded, Unauthenticated
from messaging.realtime import limits
from messaging.realtime.closing import Close
from messaging.realtime.commands import obey
from messaging.realtime.frames import ClientFrame, Hello, NotAFrame, Refused, parse
from messaging.realtime.greeting import Credentials, greet
from messaging.realtime.hub import Hub, hub_of
from messaging.realtime.meter import Meter
from messaging.realtime.outbox import Outbox, QueueOutbox, TransportOutbox
from messaging.realtime.refusals import error_frame, known, refuse
from messaging.realtime.rooms import Connection
from messaging.realtime.server import QUERY, TRANSPORT
from messaging.realtime.wire import Wire
from queueing import context
from queueing.ids import uuid7

SUBPROTOCOL = "messaging.v1"


class MessagingConsumer(AsyncConsumer):  # type: ignore[misc]
    """One socket, from its opening to its end."""

    outbox: Outbox
    hub: Hub
    connection: Connection | None = None
    deadline: asyncio.TimerHandle | None = None

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        with context.about(request_id=uuid7()):  # one for the whole life of the socket
            try:
                await super().__call__(scope, receive, send)
            finally:
                await self._end()

    async def dispatch(self, message: dict[str, Any]) -> None:
        # The stock method visits a thread for each message, to look after database connections
        # that this consumer does not have.
        if handler := getattr(self, get_handler_name(message), None):
            await handler(message)

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        extensions = self.scope.get("extensions") or {}
        query = extensions[QUERY]["query"] if QUERY in extensions else self.scope["query_string"]
        self.credentials = Credentials.of(query, self.scope["headers"])
        self.meter = Meter(limits.FRAMES_PER_SECOND, limits.FRAMES_AT_ONCE)
        self.hub = hub_of(self.channel_layer)
        offered = self.scope.get("subprotocols") or []
        chosen = SUBPROTOCOL if SUBPROTOCOL in offered else None
        await self.send({"type": "websocket.accept", "subprotocol": chosen})
        if TRANSPORT in extensions:
            transport = extensions[TRANSPORT]["transport"]
            self.outbox = TransportOutbox(transport, self.base_send)
        else:
            self.outbox = QueueOutbox(self.base_send)
        if offered and not chosen:
            self.outbox.close(Close.SUBPROTOCOL)
        loop = asyncio.get_running_loop()
        self.deadline = loop.call_later(limits.HELLO, self.outbox.close, Close.HELLO_TIMEOUT)

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        if self.outbox.gone:
            return
        if not self.meter.allows():
            self._refuse(QuotaExceeded("Too many frames."))
            return
        text = message.get("text") or ""  # a binary frame is no JSON either
        if len(text) > limits.FRAME:  # not every server has the limit
            self.outbox.close(Close.TOO_LARGE)
            return
        try:
            frame = parse(text)
        except NotAFrame:
            self.outbox.close(Close.MALFORMED)
        except Refused as error:
            self.outbox.write(Wire(error_frame(Invalid(str(error)), error.id)))
        else:
            await self._hear(frame)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        raise StopConsumer

    async def _hear(self, frame: ClientFrame) -> None:
        if self.connection is not None:
            named = {name: getattr(frame, name, None) for name in ("conversation_id", "message_id")}
            with context.about(**named):
                await obey(self.hub, self.connection, frame)
        elif isinstance(frame, Hello):
            await self._hello(frame)
        else:
            self._refuse(Unauthenticated("Say hello first."), frame)

    async def _hello(self, hello: Hello) -> None:
        if self.deadline:
            self.deadline.cancel()
        try:
            self.connection = await greet(
                self.hub, self.channel_name, self.outbox, self.credentials, hello
            )
            context.learn(tenant=self.connection.identity.user.tenant_id)
        except Exception as error:
            self._refuse(known(error), hello)

    def _refuse(self, error: Any, frame: ClientFrame | None = None) -> None:
        refuse(self.outbox, error, frame.id if frame else None)

    async def _end(self) -> None:
        if self.deadline:
            self.deadline.cancel()
        if hasattr(self, "outbox"):
            self.outbox.gone = True
        if hasattr(self, "channel_name"):
            await hub_of(self.channel_layer).leave(self.channel_name)
