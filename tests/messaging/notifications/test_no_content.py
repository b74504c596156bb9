"""What somebody wrote leaves the house by no channel, and stands in no log and no row (D5)."""

import logging

import pytest

from messaging.models import Notification, Tenant, User
from queueing.models import Job
from queueing.testing import work_all
from tests.messaging.notifications.conftest import Device
from tests.messaging.notifications.sink import Sink
from tests.messaging.notifications.walks import NUMBER, told_by, write
from tests.providers.apns import FakeApns
from tests.providers.fcm import FakeFcm
from tests.providers.twilio import FakeTwilio
from tests.system.canary import is_in, word

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.req("D5")
@pytest.mark.parametrize("preview", Tenant.Preview.values)
def test_no_channel_ever_carries_or_logs_what_somebody_wrote(
    fcm: FakeFcm,
    apple: FakeApns,
    sms: FakeTwilio,
    sink: Sink,
    clinic: Tenant,
    alice: User,
    bob: User,
    device: Device,
    caplog: pytest.LogCaptureFixture,
    preview: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    device(bob, token="bobs-secret-token"), device(bob, "apns", "cd" * 32)
    Tenant.objects.filter(pk=clinic.pk).update(preview=preview)
    canary = word()

    for encrypted in (True, False):
        write(alice, bob, content=f"{canary} is what it says", encrypted=encrypted)
    work_all()

    payloads = [*fcm.raw, *apple.raw, *sms.raw, *(mail.encode() for mail in sink.mails)]
    assert len(payloads) >= 8
    assert not any(is_in(payload, canary) for payload in payloads)
    assert any(b"Alice" in payload for payload in payloads) == (preview == "sender")
    ours = [record for record in caplog.records if record.name != "mail.log"]  # the sink's own
    logged = repr([record.__dict__ | {"line": record.getMessage()} for record in ours])
    lines = [line for line in caplog.messages if line.startswith("notification ")]
    assert {line.split()[1] for line in lines} >= {f"channel={name}" for name in told_by()}
    secrets = (canary, "bobs-secret-token", "cd" * 32, NUMBER, bob.email, "twilio-secret")
    assert [secret for secret in secrets if secret in logged] == []
    rows = repr(list(Job.objects.values())) + repr(list(Notification.objects.values()))
    assert not is_in(rows.encode(), canary)
