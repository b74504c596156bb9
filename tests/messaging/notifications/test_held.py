"""An SMS that may have been sent is held; one that certainly was not is tried again."""

from typing import Any

import pytest
from django.utils import timezone

from messaging.models import Notification, User
from messaging.notifications import sending
from queueing import control, executor
from queueing.models import Job
from queueing.queues import DELIVERY, ENCRYPTION, NOTIFICATION
from queueing.testing import make_due, work_all
from tests.messaging.notifications.sink import Sink
from tests.messaging.notifications.walks import job_of, write
from tests.providers.twilio import FakeTwilio

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.req("S91")
@pytest.mark.parametrize("trouble", [{"hang_up": True}, {"status": 500}, {"seconds": 1.0}])
def test_an_sms_that_may_have_been_sent_is_not_sent_again_but_by_a_person(
    sms: FakeTwilio,
    impatient: None,
    alice: User,
    bob: User,
    operator: User,
    trouble: dict[str, Any],
    sink: Sink,
) -> None:
    sms.then(**trouble)
    write(alice, bob)
    for _ in range(4):
        work_all()
        make_due()

    job, row = job_of("sms"), Notification.objects.get(channel="sms")
    assert (job.state, job.attempts) == ("failed", 1)
    assert row.status == "unknown" and row.reason.startswith("twilio-")
    assert len(sms.raw) == 2  # one request: its body and its headers

    control.retry(job.pk, actor_id=operator.pk, reason="the person has seen nothing")
    work_all()
    assert Notification.objects.get(channel="sms").status == "sent"
    assert len(sms.raw) == 4


def test_an_sms_whose_worker_died_in_the_middle_is_held(
    sms: FakeTwilio, alice: User, bob: User, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Died(BaseException):
        pass

    def die(*_: object) -> None:
        raise Died

    write(alice, bob)
    with monkeypatch.context() as patch:
        patch.setattr(sending, "_outcome", die)
        with pytest.raises(Died):
            work_until_sms()
    assert len(sms.accepted) == 1
    Job.objects.filter(state="active").update(state="waiting", run_at=timezone.now(), token=None)
    work_all()

    row = Notification.objects.get(channel="sms")
    assert (row.status, row.reason) == ("unknown", "uncertain")
    assert (job_of("sms").state, len(sms.accepted)) == ("failed", 1)


def work_until_sms() -> None:
    """Work off what is before the notifications, then those."""
    executor.drain(ENCRYPTION, threads=1)
    executor.drain(DELIVERY, threads=1)
    Job.objects.filter(kind="send-notification").exclude(args__type="SMS").delete()
    executor.drain(NOTIFICATION, threads=1)
    Job.objects.filter(kind="send-notification").exclude(args__type="SMS").delete()
    executor.drain(NOTIFICATION, threads=1)


def test_an_sms_that_was_certainly_not_sent_is_tried_again(
    sms: FakeTwilio, alice: User, bob: User, sink: Sink
) -> None:
    sms.then(status=503, body={"code": 20503})
    sms.then(status=429, body={"code": 20429})
    write(alice, bob)
    for _ in range(4):
        work_all()
        make_due()

    job = job_of("sms")
    assert (job.state, job.attempts, job.deferrals) == ("completed", 2, 1)
    assert len(sms.accepted) == 1
