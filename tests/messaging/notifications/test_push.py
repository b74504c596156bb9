"""Push to all devices of a person: one notification, each device once, those that are gone no more."""

from typing import Any

import pytest

from messaging.models import AuditEvent, DevicePushToken, PushSend, User
from messaging.notifications.channel import ChannelError, Rejected
from messaging.notifications.channels import push
from messaging.notifications.channels.push import Push
from queueing.errors import Snooze, Throttled
from tests.messaging.notifications.conftest import Device, Told
from tests.providers.apns import FakeApns
from tests.providers.fcm import FakeFcm

BUSY = {"status": 503, "body": {"error": {"details": [{"errorCode": "UNAVAILABLE"}]}}}


@pytest.mark.req("S89")
def test_every_device_has_it_on_its_platform(
    fcm: FakeFcm, apple: FakeApns, bob: User, device: Device, told: Told
) -> None:
    device(bob), device(bob), device(bob, "apns")

    receipt = Push().send(told(bob))

    assert (len(fcm.accepted), len(apple.accepted), receipt.sent) == (2, 1, 3)


def test_a_device_of_a_platform_without_credentials_is_left_out(
    fcm: FakeFcm, bob: User, device: Device, told: Told
) -> None:
    device(bob, "apns"), device(bob)

    assert Push().send(told(bob)).sent == 1


@pytest.mark.req("S93")
def test_a_later_try_reaches_only_the_devices_that_have_not_had_it(
    fcm: FakeFcm, bob: User, device: Device, told: Told
) -> None:
    for _ in range(3):
        device(bob)
    notice = told(bob)
    fcm.then(), fcm.then(**BUSY)

    with pytest.raises(ChannelError):
        Push().send(notice)
    assert len(fcm.accepted) == 2
    receipt = Push().send(notice)

    assert len({message["token"] for message in fcm.accepted}) == len(fcm.accepted) == 3
    assert (receipt.sent, PushSend.objects.count()) == (3, 3)
    assert {message["android"]["notification"]["tag"] for message in fcm.accepted} == {
        str(notice.opaque_id)
    }


@pytest.mark.req("S93")
def test_a_device_that_is_gone_is_not_asked_again_and_does_not_harm_the_others(
    fcm: FakeFcm, bob: User, device: Device, told: Told
) -> None:
    gone = device(bob, token="gone")
    device(bob)
    fcm.unregistered.add("gone")

    receipt = Push().send(told(bob))

    gone.refresh_from_db()
    assert gone.disabled_at and gone.disabled_reason == "fcm-unregistered"
    assert (receipt.sent, receipt.failed) == (1, 1)
    assert AuditEvent.objects.get(action="device.disabled").target_id == str(gone.pk)
    Push().send(told(bob))
    assert fcm.refused == ["UNREGISTERED"]


def test_a_device_that_came_back_meanwhile_is_kept(
    fcm: FakeFcm, bob: User, device: Device, monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    first = device(bob, token="gone")
    fcm.unregistered.add("gone")
    _, send = push.PLATFORMS["fcm"]

    def registered_again(token: str, shown: Any, *, until: float) -> str:
        device(bob, token="gone")
        return send(token, shown, until=until)

    monkeypatch.setitem(push.PLATFORMS, "fcm", (lambda: True, registered_again))
    Push().send(told(bob))

    first.refresh_from_db()
    assert first.disabled_at is None


def test_nobody_to_push_to_is_no_error(fcm: FakeFcm, bob: User, device: Device, told: Told) -> None:
    assert Push().send(told(bob)).skipped == "no-device"
    device(bob, token="gone")
    fcm.unregistered.add("gone")

    assert Push().send(told(bob)).skipped == "device-gone"


def test_what_every_device_refuses_is_refused(
    fcm: FakeFcm, bob: User, device: Device, told: Told
) -> None:
    device(bob), device(bob)
    never = {"status": 403, "body": {"error": {"details": [{"errorCode": "SENDER_ID_MISMATCH"}]}}}
    fcm.then(**never), fcm.then(**never)

    with pytest.raises(Rejected):
        Push().send(told(bob))

    assert not DevicePushToken.objects.exclude(disabled_at=None).exists()


def test_an_attempt_is_counted_where_one_device_only_asks_for_a_pause(
    fcm: FakeFcm, bob: User, device: Device, told: Told
) -> None:
    device(bob), device(bob)
    fcm.then(status=429), fcm.then(**BUSY)
    with pytest.raises(ChannelError):
        Push().send(told(bob))

    fcm.then(status=429), fcm.then(status=429)
    with pytest.raises(Throttled):
        Push().send(told(bob))


def test_what_takes_too_long_goes_on_later_with_the_rest(
    fcm: FakeFcm, bob: User, device: Device, monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    device(bob), device(bob)
    notice = told(bob)
    fcm.then(seconds=0.4)
    with monkeypatch.context() as patch:
        patch.setattr(push, "BUDGET", 0.3 + 0.2)
        patch.setattr(push, "_push", slow(push._push))
        with pytest.raises(Snooze):
            Push().send(notice)

    assert Push().send(notice).sent == 2
    assert len(fcm.accepted) == 2


def slow(function: Any) -> Any:
    """*function*, which takes all the time there is."""

    def call(*arguments: Any) -> Any:
        import time

        *most, until = arguments
        try:
            return function(*most, time.monotonic() + 5)
        finally:
            time.sleep(max(until - time.monotonic(), 0) + 0.05)

    return call
