"""APNs over real HTTP/2 and TLS, against a server that refuses what Apple refuses."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
import time_machine

from messaging.notifications.channel import ChannelError, Gone, Rejected, Uncertain
from messaging.notifications.providers import apns as provider
from messaging.notifications.providers.push import Push
from queueing.errors import Throttled
from tests.providers.apns import FakeApns
from tests.providers.keys import ec_key

DEVICE = "ab" * 32


def send(token: str = DEVICE, **fields: Any) -> str:
    defaults: dict[str, Any] = {"opaque_id": uuid4(), "title": "New message", "body": "Look."}
    push = Push(**defaults | {"unread": 3, "priority": 2, "collapse": "c-1"} | fields)
    return provider.send(token, push, until=time.monotonic() + 5)


@pytest.mark.req("S89")
def test_a_notification_is_taken_over_http2_with_the_opaque_id(apple: FakeApns) -> None:
    opaque = uuid4()

    assert send(opaque_id=opaque) == str(opaque)

    [taken] = apple.accepted
    assert taken["device"] == DEVICE
    assert taken["headers"]["apns-id"] == str(opaque)
    assert taken["headers"]["apns-collapse-id"] == "c-1"
    assert taken["payload"] == {
        "aps": {
            "alert": {"title": "New message", "body": "Look."},
            "badge": 3,
            "sound": "default",
            "interruption-level": "active",
        },
        "id": str(opaque),
    }


@pytest.mark.parametrize(
    ("priority", "said", "level"),
    [
        (0, "10", "time-sensitive"),
        (1, "10", "time-sensitive"),
        (2, "10", "active"),
        (3, "5", "passive"),
    ],
)
def test_our_priority_is_apples(apple: FakeApns, priority: int, said: str, level: str) -> None:
    send(priority=priority)

    assert apple.accepted[0]["headers"]["apns-priority"] == said
    assert apple.accepted[0]["payload"]["aps"]["interruption-level"] == level


def test_one_connection_and_one_provider_token_serve_many(apple: FakeApns) -> None:
    for _ in range(5):
        send()

    assert (apple.connections, len(apple.provider_tokens)) == (1, 1)


def test_threads_do_not_get_into_each_others_connections(apple: FakeApns) -> None:
    with ThreadPoolExecutor(15) as pool:
        list(pool.map(lambda _: send(), range(300)))

    assert len(apple.accepted) == 300
    assert apple.connections <= 15


def test_a_provider_token_is_renewed_within_the_hour_and_not_sooner(apple: FakeApns) -> None:
    with time_machine.travel("2026-06-01T12:00:00Z", tick=False) as clock:
        first = provider.provider_token()
        clock.shift(49 * 60)
        assert provider.provider_token() == first
        clock.shift(2 * 60)
        assert provider.provider_token() != first


def test_a_provider_token_that_apple_finds_too_old_is_renewed_once(apple: FakeApns) -> None:
    send()
    with time_machine.travel(
        time.time() - 3500
    ):  # our clock is behind, and so the token old to Apple
        provider._tokens.clear()
        provider.provider_token()
    apple.clock = 200.0
    provider._tokens = {key: (token, time.time()) for key, (token, _) in provider._tokens.items()}

    send()

    assert "ExpiredProviderToken" in apple.refused
    assert len(apple.accepted) == 2


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"key": ec_key("another")}, "apns-invalidprovidertoken"),
        ({"key_id": "OTHER12345"}, "apns-invalidprovidertoken"),
        ({"team_id": "OTHER12345"}, "apns-invalidprovidertoken"),
    ],
)
def test_a_key_that_apple_does_not_know_is_trouble_that_can_be_put_right(
    apple: FakeApns, settings: Any, wrong: dict[str, str], code: str
) -> None:
    settings.APNS |= wrong

    with pytest.raises(ChannelError) as refused:
        send()

    assert (refused.value.code, apple.accepted) == (code, [])


@pytest.mark.parametrize("topic", ["elsewhere.app", ""])
def test_a_wrong_topic_is_refused_and_its_device_is_not_gone(
    apple: FakeApns, settings: Any, topic: str
) -> None:
    settings.APNS |= {"topic": topic}

    with pytest.raises(Rejected) as refused:
        send()

    assert not isinstance(refused.value, Gone)


@pytest.mark.req("S93")
def test_a_device_that_is_no_more_is_gone(apple: FakeApns) -> None:
    apple.unregistered.add(DEVICE)

    for token, code in ((DEVICE, "apns-unregistered"), ("../x", "apns-baddevicetoken")):
        with pytest.raises(Gone) as refused:
            send(token)
        assert refused.value.code == code


@pytest.mark.parametrize(
    ("trouble", "error", "code"),
    [
        ({"status": 503, "body": {"reason": "Shutdown"}}, ChannelError, "apns-shutdown"),
        (
            {"status": 500, "body": {"reason": "InternalServerError"}},
            Uncertain,
            "apns-internalservererror",
        ),
        ({"status": 413, "body": {"reason": "PayloadTooLarge"}}, Rejected, "apns-payloadtoolarge"),
        ({"status": 400, "body": {"reason": "Anew"}}, Rejected, "apns-400"),
        ({"hang_up": True}, Uncertain, "apns-unanswered"),
    ],
)
def test_each_reason_says_whether_to_try_again(
    apple: FakeApns, trouble: dict[str, Any], error: type[Exception], code: str
) -> None:
    apple.then(**trouble)

    with pytest.raises(error) as refused:
        send()

    assert refused.value.code == code
    send()
    assert apple.accepted


def test_who_asks_for_a_pause_gets_it(apple: FakeApns) -> None:
    apple.then(status=429, body={"reason": "TooManyRequests"}, headers={"retry-after": "9"})

    with pytest.raises(Throttled) as refused:
        send()

    assert refused.value.after == 9.0


def test_a_server_that_nobody_vouches_for_is_not_spoken_to(apple: FakeApns, settings: Any) -> None:
    settings.PROVIDER_CA = ""

    with pytest.raises(ChannelError) as refused:
        send()

    assert (refused.value.code, apple.raw) == ("apns-unreachable", [])


def test_a_slow_answer_is_not_waited_for(apple: FakeApns, impatient: None) -> None:
    apple.then(seconds=1.0)

    with pytest.raises(Uncertain):
        send()
