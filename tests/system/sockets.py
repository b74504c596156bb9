"""A person at the socket: applies events in their order and remembers how far it is."""

import json
import threading
import time
from collections.abc import Iterable
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.system.waiting import wait_until

PROTOCOL = Subprotocol("messaging.v1")
Frame = dict[str, Any]


class Listener(threading.Thread):
    """One device. Its connection may end at any time; it comes back and goes on at its cursors.

    *cursors* says which conversations to follow, from which seq. What arrives is applied if it is
    the next event; anything else is kept in *wrong*.
    """

    def __init__(
        self,
        url: str,
        token: str,
        cursors: dict[str, int],
        *,
        content: str = "open",
        ack: bool = True,
    ) -> None:
        super().__init__(daemon=True)
        self.url, self.token, self.content, self.ack = url, token, content, ack
        self.cursors = cursors
        self.frames: list[Frame] = []
        self.applied: dict[str, list[Frame]] = {conversation: [] for conversation in cursors}
        self.wrong: list[str] = []
        self.connections = 0
        self.followed: set[str] = set()  # on the present connection
        self._socket: ClientConnection | None = None
        self._over = threading.Event()

    def run(self) -> None:
        """Stay connected until closed."""
        while not self._over.is_set():
            try:
                self._connected()
            except (OSError, WebSocketException):
                time.sleep(0.1)

    def ready(self, seconds: float = 20.0) -> "Listener":
        """Start, and come back when every conversation is followed."""
        if not self.is_alive():
            self.start()
        wait_until(lambda: self.followed >= set(self.cursors), seconds=seconds)
        return self

    def send(self, **frame: object) -> None:
        """Say something on the present connection."""
        assert self._socket is not None
        self._socket.send(json.dumps(frame))

    def say(self, text: str) -> None:
        """Send *text* as it stands."""
        assert self._socket is not None
        self._socket.send(text)

    def close(self) -> None:
        """Go away for good."""
        self._over.set()
        if self._socket is not None:
            self._socket.close()
        self.join(10)

    def answer(self, id: str, seconds: float = 20.0) -> Frame:
        """The ack or error that came for the frame *id*."""
        return wait_until(
            lambda: next((frame for frame in self.frames if frame.get("id") == id), None),
            seconds=seconds,
        )

    def event(self, message_id: str, seconds: float = 20.0) -> Frame:
        """The applied event of the message."""
        return wait_until(lambda: self.find(message_id), seconds=seconds)

    def find(self, message_id: str) -> Frame | None:
        """The applied event of the message, if it has come."""
        return next((f for f in self.events() if f["data"].get("messageId") == message_id), None)

    def events(self) -> Iterable[Frame]:
        """All applied events, by conversation."""
        return [frame for frames in self.applied.values() for frame in frames]

    def _connected(self) -> None:
        self.followed = set()
        with connect(self.url, subprotocols=[PROTOCOL], open_timeout=5) as self._socket:
            hello = {"type": "hello", "token": self.token, "content": self.content}
            self.send(**hello, id="hello", client="tests")
            for text in self._socket:
                frame = json.loads(text)
                self.frames.append(frame)
                self._take(frame)
        time.sleep(0.05)

    def _take(self, frame: Frame) -> None:
        if frame["type"] == "welcome":
            self.connections += 1
            for conversation in self.cursors:
                self._follow(conversation)
        elif frame["type"] == "ack" and frame.get("id") in self.cursors:
            self.followed.add(frame["id"])
            self._confirm(frame["id"])  # what was said before the connection broke may be lost
        elif frame["type"] == "error" and frame.get("id") in self.cursors and frame["retryable"]:
            time.sleep(0.1)
            self._follow(frame["id"])
        elif frame["type"] == "event":
            self._apply(frame)
        elif frame["type"] == "reset":
            self.wrong.append(f"reset {frame}")

    def _follow(self, conversation: str) -> None:
        since = self.cursors[conversation]
        self.send(type="subscribe", id=conversation, conversationId=conversation, since=since)

    def _apply(self, frame: Frame) -> None:
        conversation, seq = frame["conversationId"], frame["seq"]
        if seq != self.cursors.get(conversation, -1) + 1:
            self.wrong.append(f"{conversation}: {seq} after {self.cursors.get(conversation)}")
            return
        self.applied[conversation].append(frame)
        self.cursors[conversation] = seq
        self._confirm(conversation)

    def _confirm(self, conversation: str) -> None:
        if self.ack and (seq := self.cursors[conversation]):
            self.send(type="delivered", conversationId=conversation, seq=seq)
