"""Push to all devices of a person, by FCM and APNs (S89, S93): one notification, a call for each.

What a device has had is written down at once, so that a later try leaves it out.
"""

import logging
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from django.conf import settings
from django.utils import timezone

from messaging import audit, encryption
from messaging.models import DevicePushToken, PushSend
from messaging.notifications import log
from messaging.notifications.channel import Channel, ChannelError, Gone, Notice, Receipt, Rejected
from messaging.notifications.providers import apns, fcm
from messaging.notifications.providers.http import BUDGET
from messaging.notifications.providers.push import Push as Shown
from queueing import breaker
from queueing.errors import JobError, Snooze


class Provider(Protocol):
    """One way to reach a platform's devices."""

    def __call__(self, token: str, push: Shown, *, until: float) -> str: ...


PLATFORMS: dict[str, tuple[Callable[[], bool], Provider]] = {
    DevicePushToken.Platform.FCM: (fcm.configured, fcm.send),
    DevicePushToken.Platform.APNS: (apns.configured, apns.send),
}


class Push(Channel):
    """A banner on the person's devices that says there is a message."""

    name = "push"

    @classmethod
    def reach(cls) -> str:
        """Whoever has a device of a platform that there are credentials for."""
        names = ", ".join(f"'{name}'" for name in _usable())
        if not names:
            return "false"
        return (
            "EXISTS (SELECT FROM device_push_tokens p WHERE p.user_id = u.id"
            f" AND p.disabled_at IS NULL AND p.platform IN ({names})"
            f" AND p.last_seen_at > now() - make_interval(days => {settings.PUSH_STALE_DAYS}))"
        )

    def send(self, notice: Notice) -> Receipt:
        """Push to each device that has not had it. Raises what is left to be tried again."""
        until = time.monotonic() + BUDGET
        errors: list[JobError] = []
        for device, token in _left(notice):
            if time.monotonic() > until:
                raise Snooze(0.0, code="push-continues")
            errors += _push(notice, device, token, until)
        again = [error for error in errors if not isinstance(error, Rejected)]
        if again:  # one that counts as an attempt before one that does not
            raise next((one for one in again if isinstance(one, ChannelError)), again[0])
        return _receipt(notice, errors)


def _usable() -> list[str]:
    return [str(name) for name, (configured, _) in PLATFORMS.items() if configured()]


def _left(notice: Notice) -> Iterator[tuple[DevicePushToken, str]]:
    """The devices of the person that have not had *notice*, with their tokens."""
    had = PushSend.objects.filter(notification_id=notice.notification_id).values("device_id")
    rows = list(
        DevicePushToken.objects.filter(
            user_id=notice.recipient.pk, platform__in=_usable(), disabled_at=None
        )
        .exclude(pk__in=had)
        .order_by("pk")
    )
    tokens = encryption.open_push_tokens(rows)
    return ((row, tokens[row.pk]) for row in rows if row.pk in tokens)


def _push(notice: Notice, device: DevicePushToken, token: str, until: float) -> list[JobError]:
    """Push to one *device*; the error, if there was one."""
    shown = Shown(
        notice.opaque_id, notice.title, notice.text, notice.unread, notice.priority, notice.collapse
    )
    _, send = PLATFORMS[device.platform]
    try:
        with breaker.through(device.platform):
            provider_id = send(token, shown, until=until)
    except JobError as error:
        if isinstance(error, Gone):
            _disable(device, error.code)
        _log(notice, device, "gone" if isinstance(error, Gone) else "failed", error.code)
        return [error]
    row = PushSend(
        tenant_id=device.tenant_id,
        notification_id=notice.notification_id,
        device_id=device.pk,
        provider_id=provider_id,
    )
    PushSend.objects.bulk_create([row], ignore_conflicts=True)
    _log(notice, device, "accepted", "ok")
    return []


def _receipt(notice: Notice, errors: list[JobError]) -> Receipt:
    """What it came to once there is nothing left to try."""
    sent = PushSend.objects.filter(notification_id=notice.notification_id)
    first, count = sent.order_by("pk").first(), sent.count()
    if first is not None:
        return Receipt("push", first.provider_id, sent=count, failed=len(errors))
    never = [error for error in errors if not isinstance(error, Gone)]
    if never:
        raise never[0]
    return Receipt("push", skipped="device-gone" if errors else "no-device", sent=0)


def _disable(device: DevicePushToken, code: str) -> None:
    """Push there no more, unless its app has registered it again meanwhile."""
    rows = DevicePushToken.objects.filter(
        pk=device.pk, disabled_at=None, last_seen_at=device.last_seen_at
    )
    if rows.update(disabled_at=timezone.now(), disabled_reason=code):
        audit.record(
            tenant_id=device.tenant_id,
            actor_id=None,
            action="device.disabled",
            target_type="device",
            target_id=device.pk,
            code=code,
        )


def _log(notice: Notice, device: DevicePushToken, outcome: str, code: str) -> None:
    log.told(
        outcome,
        channel="push",
        level=logging.INFO if outcome == "accepted" else logging.WARNING,
        provider=device.platform,
        code=code,
        notification=notice.notification_id,
        recipient=notice.recipient.pk,
        device=device.pk,
    )
