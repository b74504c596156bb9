"""What a socket gets depends on who is a member at that moment."""

import time

import pytest

from tests.system.sockets import Listener
from tests.system.system import System
from tests.system.waiting import wait_until

pytestmark = pytest.mark.journey


def start_group(system: System, *names: str) -> str:
    others = [system.people[name] for name in names]
    reply = system.api("alice").post("/conversations", {"participantIds": others})
    assert reply.status == 201, reply
    return str(reply.json["id"])


def send(system: System, conversation: str, content: str) -> str:
    body = {"conversationId": conversation, "content": content, "encrypted": True}
    reply = system.api("alice").post("/messages/group", body)
    assert reply.status == 202, reply
    return str(reply.json["message"]["id"])


def about(socket: Listener, conversation: str) -> list[dict[str, object]]:
    """The frames that name the conversation, but for the answers to the socket's own."""
    return [
        frame
        for frame in socket.frames
        if frame.get("conversationId") == conversation or conversation in frame.get("heads", {})
    ]


def test_a_removed_member_hears_of_it_and_then_nothing_more(system: System) -> None:
    group = start_group(system, "bob", "carol")
    bob, carol = (system.listen(name, {group: 0}) for name in ("bob", "carol"))
    bob.event(send(system, group, "Before."))

    path = f"/conversations/{group}/participants/{system.people['bob']}"
    assert system.api("alice").delete(path).status == 204
    removed = wait_until(lambda: [e for e in bob.events() if e["event"] == "participant.removed"])
    said = len(about(bob, group))
    carol.event(send(system, group, "After."))
    time.sleep(1)  # longer than any hint is under way

    assert removed[0]["data"]["userId"] == system.people["bob"]
    assert about(bob, group)[said:] == []
    bob.send(type="subscribe", id="again", conversationId=group, since=0)
    assert bob.answer("again")["code"] == "not-found"
    assert (bob.wrong, carol.wrong) == ([], [])
    bob.close()
    carol.close()


def test_a_stranger_gets_an_error_frame_for_every_command(system: System) -> None:
    group = start_group(system, "bob")
    place = {"conversationId": group}
    for name in ("eve", "mallory"):
        socket = Listener(system.socket, system.token(name), {}, ack=False)
        socket.start()
        wait_until(lambda: socket.connections)  # noqa: B023
        socket.send(type="subscribe", id="subscribe", **place)
        socket.send(type="message.send", id="send", content="Let me in.", **place)
        socket.send(type="read", id="read", seq=1, **place)

        codes = [socket.answer(id)["code"] for id in ("subscribe", "send", "read")]
        assert codes == ["not-found"] * 3
        socket.close()
