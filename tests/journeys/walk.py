"""One message from REST to the socket to the receipts, with everything that was seen on the way."""

from dataclasses import dataclass, field
from typing import Any

from tests.system.canary import word
from tests.system.rest import Reply
from tests.system.sockets import Frame, Listener
from tests.system.system import System
from tests.system.waiting import wait_until


@dataclass(slots=True)
class Walk:
    """What was sent by alice, and what came of it."""

    system: System
    recipients: tuple[str, ...]
    sealed: bool
    word: str = field(default_factory=word)
    conversation_id: str = ""
    accepted: Reply = field(init=False)
    heard: dict[str, Frame] = field(default_factory=dict)
    statuses: list[dict[str, str]] = field(default_factory=list)

    @property
    def content(self) -> str:
        return f"The {self.word} is well again."

    @property
    def group(self) -> bool:
        return len(self.recipients) > 1

    @property
    def message_id(self) -> str:
        return str(self.accepted.json["message"]["id"])

    @property
    def seq(self) -> int:
        return int(self.accepted.json["message"]["seq"])

    @property
    def job_ids(self) -> dict[str, str | None]:
        return dict(self.accepted.json["queue"]["jobIds"])

    def go(self) -> "Walk":
        """Send, and let every recipient hear, confirm and read it."""
        sockets = self._sockets()
        try:
            self.accepted = self._send()
            self.heard = {name: one.event(self.message_id) for name, one in sockets.items()}
            self._look("SENT")
            for socket in sockets.values():
                self._receipt(socket, "delivered")
            self._look("DELIVERED")
            self._read(sockets)
            self._look("READ")
        finally:
            for socket in sockets.values():
                socket.close()
        return self

    def jobs(self) -> dict[str, dict[str, Any]]:
        """The jobs as their sender sees them, when all are at their end."""
        alice = self.system.api("alice")

        def finished() -> dict[str, dict[str, Any]] | None:
            ids = {step: id for step, id in self.job_ids.items() if id}
            views = {step: alice.get(f"/messages/jobs/{id}").json for step, id in ids.items()}
            states = {view["state"] for view in views.values()}
            return views if states <= {"completed", "failed"} else None

        return wait_until(finished)

    def _sockets(self) -> dict[str, Listener]:
        """A device of each recipient, which follows the conversation and confirms nothing yet."""
        self.conversation_id, head = self._conversation()
        cursors = {self.conversation_id: head}
        return {
            name: self.system.listen(name, dict(cursors), ack=False) for name in self.recipients
        }

    def _conversation(self) -> tuple[str, int]:
        """The conversation of everybody, and its last seq."""
        alice = self.system.api("alice")
        others = [self.system.people[name] for name in self.recipients]
        if self.group:
            found = alice.post("/conversations", {"participantIds": others, "title": "Ward 7"})
            assert found.status == 201, found
        else:
            first = alice.post("/messages/direct", {"recipientId": others[0], "content": "Hello."})
            assert first.status == 202, first
            found = alice.get(f"/conversations/{first.json['message']['conversationId']}")
        return str(found.json["id"]), int(found.json["headSeq"])

    def _send(self) -> Reply:
        body: dict[str, object] = {"content": self.content, "encrypted": self.sealed}
        if self.group:
            body["conversationId"] = self.conversation_id
            return self.system.api("alice").post("/messages/group", body)
        body["recipientId"] = self.system.people[self.recipients[0]]
        return self.system.api("alice").post("/messages/direct", body)

    def _receipt(self, socket: Listener, kind: str) -> None:
        place = {"conversationId": self.conversation_id, "seq": self.seq}
        socket.send(type=kind, id=f"{kind}-{self.seq}", **place)

    def _read(self, sockets: dict[str, Listener]) -> None:
        """The first recipient says so at the socket, the others by REST."""
        first, *others = self.recipients
        self._receipt(sockets[first], "read")
        for name in others:
            path = f"/conversations/{self.conversation_id}/read"
            assert self.system.api(name).put(path, {"seq": self.seq}).status == 204

    def _look(self, wanted: str) -> None:
        """Note the deliveries as soon as all of them are *wanted*."""
        alice = self.system.api("alice")

        def settled() -> dict[str, str] | None:
            rows = alice.get(f"/messages/{self.message_id}/deliveries").json["data"]
            found = {row["recipientId"]: row["status"] for row in rows}
            return found if set(found.values()) == {wanted} else None

        self.statuses.append(wait_until(settled))
