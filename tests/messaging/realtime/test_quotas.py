"""A message sent over a socket counts like one sent over HTTP, in the same bucket."""

import pytest

from messaging.models import User
from messaging.services import quotas
from tests.messaging.realtime.conftest import Connect, Group


@pytest.mark.req("S122")
def test_rest_and_socket_share_a_quota_and_a_refusal_ends_nothing(
    connect: Connect, group: Group, alice: User, bob: User
) -> None:
    alice.tenant.limits = {"sends": 2}
    alice.tenant.save()
    room = group(alice, bob)
    socket = connect(alice)
    quotas.spend("sends", alice)  # as a send over HTTP does

    def say() -> dict[str, object]:
        return socket.ask("message.send", conversationId=room, content="on my way")

    assert say()["type"] == "ack"
    refused = say()

    assert (refused["type"], refused["code"]) == ("error", "quota-exceeded")
    assert refused["retryable"] and refused["retryAfter"] in {29, 30}
    assert socket.ask("ping")["type"] == "pong"
