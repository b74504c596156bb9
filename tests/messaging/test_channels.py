"""The contract of every notification channel, over the registry and against real sockets."""

from collections.abc import Callable
from typing import Any

import pytest

from messaging.models import NotificationTemplate, User
from messaging.notifications import planning
from messaging.notifications.channel import Channel, ChannelError, Rejected
from messaging.notifications.registry import registered
from tests.messaging.notifications.conftest import apple, device, fcm, impatient, sink, sms, told

__all__ = ["apple", "device", "fcm", "impatient", "sink", "sms", "told"]

CHANNELS = sorted(registered().values(), key=lambda channel: channel.name)
OUTSIDE = [channel for channel in CHANNELS if not channel.inside]
NUMBER = "+4930123456"

each = pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
each_outside = pytest.mark.parametrize("channel", OUTSIDE, ids=lambda channel: channel.name)


@each
def test_a_channel_says_its_name_its_reach_and_whether_it_stays_inside(
    channel: type[Channel],
) -> None:
    assert channel.name.isidentifier() and len(channel.name) <= 16
    assert "'" not in channel.name and channel.reach() and "%" not in channel.reach()
    assert isinstance(channel.inside, bool) and isinstance(channel.holds, bool)


@each
def test_planning_knows_every_channel_and_so_do_the_texts(channel: type[Channel]) -> None:
    assert f"'{channel.name}'" in planning._channels()
    assert channel.name in NotificationTemplate.Channel.values


@pytest.mark.req("S28")
def test_the_four_types_have_their_names_on_the_wire() -> None:
    assert {channel.name.upper() for channel in CHANNELS} == {"PUSH", "EMAIL", "SMS", "IN_APP"}


Provider = Callable[[str], None]


@pytest.fixture
def provider(fcm: Any, sink: Any, sms: Any, impatient: None, settings: Any) -> Provider:
    """Makes the provider of a channel slow, or have it say never."""
    settings.EMAIL_TIMEOUT = 0.3

    def make(channel: str, how: str) -> None:
        if channel == "email":
            sink.seconds = 1.0 if how == "slow" else 0.0
            sink.recipient_answer = "550 no such mailbox" if how == "never" else "250 OK"
        else:
            trouble = {"seconds": 1.0} if how == "slow" else {"status": 400}
            (fcm if channel == "push" else sms).then(**trouble)

    return make


@each_outside
def test_a_provider_that_does_not_answer_in_time_is_trouble(
    channel: type[Channel], provider: Any, bob: User, device: Any, told: Any
) -> None:
    bob.phone = NUMBER
    device(bob)
    provider(channel.name, "slow")

    with pytest.raises(ChannelError):
        channel().send(told(bob))


@each_outside
def test_a_provider_that_says_never_is_not_asked_again(
    channel: type[Channel], provider: Any, bob: User, device: Any, told: Any
) -> None:
    bob.phone = NUMBER
    device(bob)
    provider(channel.name, "never")

    with pytest.raises(Rejected) as refused:
        channel().send(told(bob))

    assert NUMBER not in str(refused.value) and bob.email not in str(refused.value)


@each_outside
def test_somebody_who_cannot_be_reached_is_left_out_silently(
    channel: type[Channel], fcm: Any, sms: Any, sink: Any, eve: User, told: Any
) -> None:
    receipt = channel().send(told(eve))

    assert receipt.skipped and receipt.sent == 0
    assert (fcm.accepted, sms.accepted, sink.mails) == ([], [], [])
