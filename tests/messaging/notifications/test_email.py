"""Email against a real SMTP server: what arrives, and what each refusal means."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from config.embedded.places import free_port
from messaging.models import User
from messaging.notifications.channel import ChannelError, Notice, Rejected
from messaging.notifications.channels.email import Email


class Sink:
    """An SMTP server's answers: takes everything, or says what it was told to."""

    def __init__(self) -> None:
        self.mails: list[str] = []
        self.recipient_answer = "250 OK"
        self.data_answer = "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.recipient_answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.mails.append((envelope.content or b"").decode())
        return self.data_answer


@pytest.fixture
def sink(settings) -> Iterator[Sink]:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    sink = Sink()
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port(0)
    server = Controller(sink, hostname=settings.EMAIL_HOST, port=settings.EMAIL_PORT)
    server.start()
    yield sink
    server.stop()


def notice(sender: str = "") -> Notice:
    recipient = User(username="bob", email="bob@clinic.example")
    return Notice(uuid4(), "notify:1", recipient, sender)


@pytest.mark.req("S90")
def test_a_mail_says_that_there_is_a_message_and_where(sink: Sink, settings) -> None:
    told = notice()

    receipt = Email().send(told)

    [mail] = sink.mails
    assert "You have a new message." in mail and settings.PUBLIC_URL in mail
    assert f"<{told.opaque_id}@waxwing>" in mail
    assert (receipt.provider, receipt.provider_id) == ("smtp", str(told.opaque_id))


def test_the_sender_is_named_where_the_tenant_lets_it_be(sink: Sink) -> None:
    Email().send(notice("Dr. Weiss"))

    assert "You have a new message from Dr. Weiss." in sink.mails[0]


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
    sink: Sink, recipient: str, data: str, error: type[Exception]
) -> None:
    sink.recipient_answer, sink.data_answer = recipient, data

    with pytest.raises(error) as refused:
        Email().send(notice())

    assert "bob@" not in str(refused.value)


def test_a_server_that_is_away_is_tried_again(sink: Sink, settings) -> None:
    settings.EMAIL_PORT = 1

    with pytest.raises(ChannelError):
        Email().send(notice())
