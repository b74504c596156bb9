"""Email against a real SMTP server: what arrives, and what each refusal means."""

import pytest

from messaging.models import User
from messaging.notifications.channel import ChannelError, Rejected
from messaging.notifications.channels.email import Email
from tests.messaging.notifications.conftest import Told
from tests.messaging.notifications.sink import Sink

pytestmark = pytest.mark.django_db  # of the circuit


@pytest.mark.req("S90")
def test_a_mail_says_that_there_is_a_message_and_where(sink: Sink, told: Told, settings) -> None:
    notice = told()

    receipt = Email().send(notice)

    [mail] = sink.mails
    assert "You have a new message." in mail and settings.PUBLIC_URL in mail
    assert f"<{notice.opaque_id}@waxwing>" in mail
    assert (receipt.provider, receipt.provider_id) == ("smtp", str(notice.opaque_id))


def test_a_mail_has_the_title_and_the_text_of_its_notice(sink: Sink, told: Told) -> None:
    Email().send(told(title="Clinic: news", text="Dr. Weiss has written."))

    assert "Subject: Clinic: news" in sink.mails[0] and "Dr. Weiss has written." in sink.mails[0]


def test_somebody_who_has_given_up_the_address_is_left_out(sink: Sink, told: Told) -> None:
    receipt = Email().send(told(User(username="bob")))

    assert (receipt.skipped, receipt.sent, sink.mails) == ("no-address", 0, [])


@pytest.mark.parametrize(
    ("recipient", "data", "error"),
    [
        ("550 no such mailbox", "250 OK", Rejected),
        ("451 later", "250 OK", ChannelError),
        ("250 OK", "554 refused", Rejected),
        ("250 OK", "421 busy", ChannelError),
    ],
)
def test_a_server_that_says_never_is_not_asked_again(
    sink: Sink, told: Told, recipient: str, data: str, error: type[Exception]
) -> None:
    sink.recipient_answer, sink.data_answer = recipient, data

    with pytest.raises(error) as refused:
        Email().send(told())

    assert "bob@" not in str(refused.value)


def test_a_server_that_is_away_is_tried_again(sink: Sink, told: Told, settings) -> None:
    settings.EMAIL_PORT = 1

    with pytest.raises(ChannelError):
        Email().send(told())
