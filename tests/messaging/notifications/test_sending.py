"""From a message to every channel: planned by reach, sent once, held where nobody knows."""

import logging
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from messaging.models import Message, Notification, Priority, PushSend, Tenant, User
from messaging.notifications import sending
from queueing import executor
from queueing.api import rendering
from queueing.models import Job
from queueing.queues import DELIVERY, ENCRYPTION, NOTIFICATION
from queueing.testing import make_due, work_all
from tests.messaging.notifications.conftest import Device
from tests.messaging.notifications.sink import Sink
from tests.messaging.notifications.walks import NUMBER, job_of, told_by, write
from tests.providers.apns import FakeApns
from tests.providers.fcm import FakeFcm
from tests.providers.twilio import FakeTwilio

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.req("S94")
@pytest.mark.req("S161")
def test_a_message_reaches_every_channel_once(
    fcm: FakeFcm,
    apple: FakeApns,
    sms: FakeTwilio,
    sink: Sink,
    alice: User,
    bob: User,
    device: Device,
) -> None:
    device(bob), device(bob, "apns")

    message = write(alice, bob)
    work_all()

    assert told_by() == {"in_app": "sent", "push": "sent", "email": "sent", "sms": "sent"}
    assert (len(fcm.accepted), len(apple.accepted)) == (1, 1)
    assert (len(sms.accepted), len(sink.mails)) == (1, 1)
    opaque = Notification.objects.get(channel="push").opaque_id
    assert fcm.accepted[0]["data"] == {"id": str(opaque)}
    assert apple.accepted[0]["headers"]["apns-id"] == str(opaque)
    assert sms.accepted[0]["To"] == NUMBER

    Job.objects.filter(subject_id=message.pk).update(state="waiting", run_at=timezone.now())
    Job.objects.filter(kind="plan-notifications").update(state="waiting", run_at=timezone.now())
    work_all()
    assert (len(fcm.accepted), len(apple.accepted)) == (1, 1)
    assert (len(sms.accepted), len(sink.mails)) == (1, 1)


@pytest.mark.req("S29")
def test_every_send_is_one_line_with_ids_and_a_code(
    sms: FakeTwilio, alice: User, bob: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "messaging.notifications")
    write(alice, bob)
    work_all()

    row = Notification.objects.get(channel="sms")
    [line] = [line for line in caplog.messages if "channel=sms" in line]
    for part in ("outcome=sent", "provider=twilio", "code=ok", f"notification={row.pk}",
                 f"message={row.message_id}", f"recipient={bob.pk}", "template=built-in"):  # fmt: skip
        assert part in line


@pytest.mark.req("S28")
@pytest.mark.req("S36")
@pytest.mark.req("S37")
def test_the_job_says_how_far_it_is_and_what_came_of_it(
    fcm: FakeFcm, alice: User, bob: User, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    device(bob), device(bob, token="gone")
    fcm.unregistered.add("gone")
    seen: list[Any] = []
    report = sending.report
    monkeypatch.setattr(
        sending, "report", lambda *a, **k: (seen.append((a[1], a[2], k)), report(*a, **k))
    )

    write(alice, bob)
    work_all()

    job = job_of("push")
    assert job.result == {
        "success": True,
        "type": "PUSH",
        "outcome": "sent",
        "reason": None,
        "sent": 1,
        "failed": 1,
        "template": "built-in",
    }
    assert set(job.args) == {"notificationId", "messageId", "recipientId", "type"}
    data = rendering.whole(job)["data"]
    opaque = Notification.objects.get(channel="push").opaque_id
    assert (data["type"], data["recipientId"], data["messageId"]) == (
        "PUSH",
        str(bob.pk),
        str(job.subject_id),
    )
    assert (data["status"], data["pushPayload"]) == ("sent", {"id": str(opaque)})
    steps = [(percentage, step) for percentage, step, _ in seen][:3]
    assert [step for _, step in steps] == ["rendering", "sending", "complete"]
    assert all(one[2]["total_steps"] == 3 for one in seen)


@pytest.mark.parametrize(
    ("setting", "tenant", "priority", "planned"),
    [
        ("urgent", "", Priority.CRITICAL, True),
        ("urgent", "", Priority.HIGH, True),
        ("urgent", "", Priority.NORMAL, False),
        ("always", "", Priority.LOW, True),
        ("off", "", Priority.CRITICAL, False),
        ("urgent", "always", Priority.LOW, True),
        ("always", "urgent", Priority.NORMAL, False),
        ("always", "off", Priority.CRITICAL, False),
        ("nonsense", "", Priority.NORMAL, False),
    ],
)
def test_an_sms_is_for_what_the_policy_finds_urgent(
    sms: FakeTwilio,
    clinic: Tenant,
    alice: User,
    bob: User,
    settings: Any,
    setting: str,
    tenant: str,
    priority: Priority,
    planned: bool,
) -> None:
    settings.SMS_POLICY = setting
    Tenant.objects.filter(pk=clinic.pk).update(sms=tenant)

    write(alice, bob, priority)
    work_all()

    assert Notification.objects.filter(channel="sms").exists() == planned == bool(sms.accepted)


def test_channels_without_credentials_reach_nobody(
    alice: User, bob: User, device: Device, sink: Sink
) -> None:
    device(bob), device(bob, "apns")

    write(alice, bob)
    work_all()

    assert told_by() == {"in_app": "sent", "email": "sent"}
    assert not Job.objects.filter(state="failed").exists()


def test_devices_that_are_disabled_or_stale_are_not_planned_for(
    fcm: FakeFcm, alice: User, bob: User, device: Device, sink: Sink
) -> None:
    from messaging.models import DevicePushToken

    stale, disabled = device(bob), device(bob)
    rows = DevicePushToken.objects
    rows.filter(pk=stale.pk).update(last_seen_at="2020-01-01T00:00:00Z")
    rows.filter(pk=disabled.pk).update(disabled_at="2026-01-01T00:00:00Z")

    write(alice, bob)
    work_all()

    assert "push" not in told_by()


def test_a_provider_that_was_away_reaches_each_device_once_in_the_end(
    fcm: FakeFcm, alice: User, bob: User, device: Device, sink: Sink
) -> None:
    for _ in range(3):
        device(bob)
    fcm.then(), fcm.then(status=503), fcm.then(hang_up=True)
    write(alice, bob)
    for _ in range(4):
        work_all()
        make_due()

    assert told_by()["push"] == "sent"
    assert PushSend.objects.count() == 3
    tags = {message["android"]["notification"]["tag"] for message in fcm.accepted}
    assert len(tags) == 1  # the one that was taken without an answer came twice and shows once
    assert {message["token"] for message in fcm.accepted} and len(fcm.accepted) == 4


@pytest.mark.parametrize("why", ["message-deleted", "recipient-inactive"])
def test_who_needs_not_be_told_any_more_is_not(
    sms: FakeTwilio, alice: User, bob: User, sink: Sink, why: str
) -> None:
    message = write(alice, bob)
    work_all([ENCRYPTION, DELIVERY])
    executor.drain(NOTIFICATION, threads=1, budget=0)  # plans, and no more
    if why == "message-deleted":
        Message.objects.filter(pk=message.pk).update(deleted_at=timezone.now())
    else:
        User.objects.filter(pk=bob.pk).update(is_active=False)
    Notification.objects.exclude(channel="in_app").update(status="planned", sent_at=None)
    mails, texts = len(sink.mails), len(sms.accepted)
    Job.objects.filter(kind="send-notification").update(state="waiting", run_at=timezone.now())
    work_all()

    row = Notification.objects.get(channel="sms")
    assert (row.status, row.reason) == ("skipped", why)
    assert (len(sink.mails), len(sms.accepted)) == (mails, texts)
    assert UUID(str(row.message_id)) == message.pk


def test_a_worker_that_calls_from_many_threads_sends_everything_once(
    fcm: FakeFcm,
    apple: FakeApns,
    sms: FakeTwilio,
    sink: Sink,
    alice: User,
    bob: User,
    device: Device,
) -> None:
    device(bob), device(bob, "apns")
    for _ in range(20):
        write(alice, bob)
    work_all([ENCRYPTION, DELIVERY])
    while executor.drain(NOTIFICATION, threads=15, budget=60).worked:
        pass

    assert set(Notification.objects.values_list("status", flat=True)) == {"sent"}
    assert (len(fcm.accepted), len(apple.accepted)) == (20, 20)
    assert (len(sms.accepted), len(sink.mails)) == (20, 20)
    assert fcm.fetched == 1 and len(apple.provider_tokens) == 1
    assert not Job.objects.exclude(state="completed").exclude(kind="index-message").exists()
