"""A provider that is away is left alone, what waits for it is sent once, and others go on (S163)."""

from typing import Any

import pytest

from messaging.models import Notification, PushSend, Tenant, User
from messaging.notifications.channel import ChannelError, Uncertain
from messaging.notifications.channels.email import Email
from messaging.notifications.channels.push import Push
from messaging.notifications.channels.sms import Sms
from messaging.services import conversations
from messaging.services.sending import Draft, send_group
from queueing import breaker
from queueing.errors import Throttled
from queueing.models import CircuitBreaker, Job
from queueing.postgres import execute
from queueing.testing import make_due, work_all
from tests.messaging.notifications.conftest import Device, Told
from tests.messaging.notifications.sink import Sink
from tests.messaging.notifications.walks import write
from tests.providers.apns import FakeApns
from tests.providers.fcm import FakeFcm
from tests.providers.twilio import FakeTwilio

pytestmark = [pytest.mark.django_db, pytest.mark.req("S163")]
PEOPLE = 200
BUSY = {"status": 503, "body": {"error": {"details": [{"errorCode": "UNAVAILABLE"}]}}}


def half_a_minute_later() -> None:
    """As far as circuits and jobs go."""
    execute("UPDATE circuit_breakers SET retry_at = now() - interval '1 second'")
    breaker.forget()
    make_due()


def states() -> dict[str, str]:
    return dict(CircuitBreaker.objects.values_list("provider", "state"))


@pytest.fixture
def crowd(clinic: Tenant) -> list[User]:
    """Two hundred colleagues with an address."""
    people = [
        User(username=f"p{n}", email=f"p{n}@clinic.example", tenant=clinic, password="!")
        for n in range(PEOPLE)
    ]
    return User.objects.bulk_create(people)


@pytest.mark.django_db(transaction=True)
def test_200_wait_for_a_dead_server_and_are_sent_once(
    sink: Sink, alice: User, crowd: list[User]
) -> None:
    group = conversations.start(creator=alice, participant_ids=[one.pk for one in crowd])
    sink.data_answer = "421 going down"
    send_group(
        sender=alice, conversation_id=group.body["id"], draft=Draft(content="a quiet evening")
    )

    work_all()
    assert (len(sink.mails), states()) == (5, {"smtp": "open"})
    for probes in range(1, 5):
        half_a_minute_later()
        work_all()
        assert len(sink.mails) == 5 + probes
    waiting = Job.objects.filter(kind="send-notification", state="waiting")
    assert waiting.count() == PEOPLE
    assert waiting.filter(attempts=0, deferrals__gte=4).count() == PEOPLE - 5
    assert waiting.filter(attempts=1).count() == 5

    sink.mails.clear()
    sink.data_answer = "250 OK"
    half_a_minute_later()
    work_all()

    assert states() == {"smtp": "closed"}
    assert len(sink.mails) == len({addressee(mail) for mail in sink.mails}) == PEOPLE
    sent = Notification.objects.filter(channel="email", status="sent")
    assert sent.count() == PEOPLE
    assert not Job.objects.filter(kind="send-notification", state="failed").exists()


def addressee(mail: str) -> str:
    return next(line for line in mail.splitlines() if line.startswith("To:"))


@pytest.mark.django_db(transaction=True)
def test_while_one_is_away_the_others_go_on(
    sink: Sink, fcm: FakeFcm, sms: FakeTwilio, alice: User, bob: User, device: Device
) -> None:
    device(bob)
    open_circuit("smtp")
    write(alice, bob)

    work_all()

    status = dict(Notification.objects.values_list("channel", "status"))
    assert (status["push"], status["sms"], status["email"]) == ("sent", "sent", "planned")
    assert (len(fcm.accepted), len(sms.accepted), sink.mails) == (1, 1, [])


def open_circuit(provider: str) -> None:
    CircuitBreaker.objects.create(provider=provider, state="open")
    execute("UPDATE circuit_breakers SET retry_at = now() + interval '30 seconds'")
    breaker.forget()


def test_a_push_goes_only_to_those_devices_that_an_open_circuit_has_kept_from_it(
    fcm: FakeFcm, apple: FakeApns, bob: User, device: Device, told: Told
) -> None:
    device(bob), device(bob, "apns"), device(bob), device(bob, "apns")
    notice = told(bob)
    open_circuit("apns")

    for _ in range(3):
        with pytest.raises(Throttled) as put_back:
            Push().send(notice)
    assert put_back.value.code == "circuit-open"
    assert (len(fcm.accepted), len(apple.accepted), PushSend.objects.count()) == (2, 0, 2)

    half_a_minute_later()
    assert Push().send(notice).sent == 4
    assert (len(fcm.accepted), len(apple.accepted)) == (2, 2)


def test_a_circuit_that_opens_among_a_persons_devices_spares_the_rest(
    fcm: FakeFcm, bob: User, device: Device, told: Told
) -> None:
    for _ in range(8):
        device(bob)
    notice = told(bob)
    fcm.then()
    for _ in range(5):
        fcm.then(**BUSY)

    with pytest.raises(ChannelError):
        Push().send(notice)
    assert (len(fcm.accepted), states()) == (1, {"fcm": "open"})

    half_a_minute_later()
    assert Push().send(notice).sent == 8
    assert len({message["token"] for message in fcm.accepted}) == len(fcm.accepted) == 8


def test_an_sms_is_not_noted_as_about_to_be_sent_while_the_circuit_is_open(
    sms: FakeTwilio, sink: Sink, alice: User, bob: User
) -> None:
    open_circuit("twilio")
    write(alice, bob)
    for _ in range(4):
        work_all()
        make_due()
        breaker.forget()

    row = Notification.objects.get(channel="sms")
    assert (row.status, row.reason, sms.accepted) == ("planned", "", [])
    job = Job.objects.get(kind="send-notification", args__type="SMS")
    assert (job.state, job.attempts) == ("waiting", 0) and job.deferrals >= 4

    half_a_minute_later()
    work_all()
    assert (Notification.objects.get(channel="sms").status, len(sms.accepted)) == ("sent", 1)


@pytest.mark.parametrize("trouble", [{"hang_up": True}, {"status": 500}])
def test_an_sms_that_was_a_probe_and_may_have_been_sent_is_held(
    sms: FakeTwilio, bob: User, told: Told, trouble: dict[str, Any]
) -> None:
    open_circuit("twilio")
    half_a_minute_later()
    sms.then(**trouble)

    with pytest.raises(Uncertain):
        Sms().send(told(bob))

    assert states() == {"twilio": "open"}


def test_a_server_that_puts_off_recipients_is_there(sink: Sink, told: Told) -> None:
    sink.recipient_answer = "451 greylisted"
    for _ in range(10):
        with pytest.raises(ChannelError):
            Email().send(told())

    assert states() == {}
