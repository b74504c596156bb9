"""A client of the socket as a test wants it: says frames, keeps what it hears, knows its end."""

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any
from uuid import UUID

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

Frame = dict[str, Any]


class Client:
    """One socket at *url*; what is heard stays in *heard*."""

    def __init__(self, url: str, **options: Any) -> None:
        self._open = ExitStack()
        self.socket: ClientConnection = self._open.enter_context(
            connect(url, compression=None, ping_interval=None, max_size=None, **options)
        )
        self.heard: list[Frame] = []
        self._last_id = 0

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Go away."""
        self._open.close()

    def say(self, type: str, **fields: Any) -> int:
        """Send a frame; its id."""
        self._last_id += 1
        frame = {"type": type, "id": self._last_id, **fields}
        self.socket.send(json.dumps(frame, default=str))
        return self._last_id

    def ask(self, type: str, **fields: Any) -> Frame:
        """Send a frame and wait for what answers it."""
        id = self.say(type, **fields)
        return self.until(lambda frame: frame.get("id") == id)

    def hello(self, token: str | None = None, **fields: Any) -> Frame:
        """Say hello; the welcome."""
        if token is not None:
            fields["token"] = token
        welcome = self.ask("hello", **fields)
        assert welcome["type"] == "welcome", welcome
        return welcome

    def follow(self, conversation_id: UUID | str, **fields: Any) -> Frame:
        """Subscribe; the result."""
        ack = self.ask("subscribe", conversationId=conversation_id, **fields)
        assert ack["type"] == "ack", ack
        result: Frame = ack["result"]
        return result

    def until(self, fact: Callable[[Frame], bool], seconds: float = 10.0) -> Frame:
        """The first frame from now on of which *fact* is true."""
        ends = time.monotonic() + seconds
        while True:
            frame = json.loads(self.socket.recv(timeout=max(0.0, ends - time.monotonic())))
            self.heard.append(frame)
            if fact(frame):
                return frame  # type: ignore[no-any-return]

    def listen(self, seconds: float) -> None:
        """Hear whatever comes for a while."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            try:
                self.heard.append(json.loads(self.socket.recv(timeout=left)))
            except TimeoutError:
                return

    def up_to(self, seq: int, conversation_id: UUID | str | None = None) -> list[int]:
        """Wait for event *seq*; the numbers of all events heard so far."""
        if seq not in self.seqs(conversation_id):
            self.until(
                lambda frame: (
                    frame["type"] == "event"
                    and frame["seq"] == seq
                    and str(conversation_id or frame["conversationId"]) == frame["conversationId"]
                ),
                seconds=30,
            )
        return self.seqs(conversation_id)

    def seqs(self, conversation_id: UUID | str | None = None) -> list[int]:
        return [
            frame["seq"]
            for frame in self.events
            if str(conversation_id or frame["conversationId"]) == frame["conversationId"]
        ]

    @property
    def events(self) -> list[Frame]:
        return [frame for frame in self.heard if frame["type"] == "event"]

    def end(self, seconds: float = 10.0) -> int:
        """Wait for the end; the code that the server closed with."""
        ends = time.monotonic() + seconds
        while True:
            try:
                self.heard.append(
                    json.loads(self.socket.recv(timeout=max(0.0, ends - time.monotonic())))
                )
            except ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd else 1006
