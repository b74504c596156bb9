"""The contract of every notification channel, over the registry."""

import pytest

from messaging.notifications import planning
from messaging.notifications.channel import Channel
from messaging.notifications.registry import registered

CHANNELS = sorted(registered().values(), key=lambda channel: channel.name)


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_a_channel_says_its_name_its_reach_and_whether_it_stays_inside(
    channel: type[Channel],
) -> None:
    assert channel.name.isidentifier() and len(channel.name) <= 16
    assert "'" not in channel.name and channel.reach
    assert isinstance(channel.inside, bool)


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_planning_knows_every_channel(channel: type[Channel]) -> None:
    assert f"'{channel.name}'" in planning._channels()
