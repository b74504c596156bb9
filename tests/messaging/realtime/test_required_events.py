"""The events of messages have the shapes that are required, as sockets hear them."""

from typing import Any

import pytest

from messaging.models import User
from tests.messaging.api.required import fit
from tests.messaging.realtime.client import Client
from tests.messaging.realtime.conftest import Connect, Group
from tests.messaging.realtime.happenings import deliver, send


def event(socket: Client) -> dict[str, Any]:
    """The next event that *socket* hears."""
    return socket.until(lambda frame: frame["type"] == "event")


@pytest.mark.req("S68", "S83", "S84")
def test_a_sealed_message_is_heard_in_both_required_forms(
    connect: Connect, group: Group, alice: User, bob: User
) -> None:
    room = group(alice, bob)
    opened, sealed = connect(bob), connect(bob, content="sealed")
    opened.follow(room)
    sealed.follow(room)

    message = send(alice, room, "A canary sings")
    deliver()

    plain, closed = event(opened), event(sealed)
    fit("event-open", plain)
    fit("event-sealed", closed)
    assert plain["data"]["content"] == "A canary sings"
    assert "canary" not in str(closed)
    for heard in (plain, closed):
        assert heard["conversationId"] == str(room)
        assert heard["data"]["messageId"] == message
        assert heard["data"]["senderId"] == str(alice.pk)
        assert heard["data"]["timestamp"] == plain["data"]["timestamp"]


def test_what_is_read_again_later_has_the_same_forms(
    connect: Connect, group: Group, alice: User, bob: User
) -> None:
    room = group(alice, bob)
    send(alice, room, "A canary sings")
    deliver()

    for form in ("open", "sealed"):
        socket = connect(bob, content=form)
        socket.follow(room, since=0)
        fit(f"event-{form}", event(socket))


def test_a_plain_message_is_open_in_both_forms(
    connect: Connect, group: Group, alice: User, bob: User
) -> None:
    room = group(alice, bob)
    sockets = [connect(bob, content=form) for form in ("open", "sealed")]
    for socket in sockets:
        socket.follow(room)

    send(alice, room, "In the open", encrypted=False)
    deliver()

    for socket in sockets:
        heard = event(socket)
        fit("event-open", heard)
        assert heard["data"]["isEncrypted"] is False


def test_mallory_hears_nothing(
    connect: Connect, group: Group, alice: User, bob: User, mallory: User
) -> None:
    room = group(alice, bob)

    answer = connect(mallory).ask("subscribe", conversationId=room)

    assert (answer["type"], answer["code"]) == ("error", "not-found")
