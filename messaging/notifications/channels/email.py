"""Email through Django's backends (S90, C19). SMTP has no idempotency key, so at least once.

The Message-ID is the notification's opaque id: a mail that was sent twice in the window of one call is
one mail to whoever folds by it.
"""

from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException

from django.conf import settings
from django.core.mail import EmailMessage

from messaging.notifications.channel import Channel, ChannelError, Notice, Receipt, Rejected
from queueing import breaker


class Email(Channel):
    """A mail that says there is a message, and where."""

    name = "email"

    @classmethod
    def reach(cls) -> str:
        """Whoever has an address."""
        return "u.email <> ''"

    def send(self, notice: Notice) -> Receipt:
        """Hand the mail to the SMTP server."""
        if not notice.recipient.email:
            return Receipt("smtp", skipped="no-address", sent=0)
        mail = EmailMessage(
            subject=notice.title,
            body=f"{notice.text}\n\n{settings.PUBLIC_URL}\n",
            to=[notice.recipient.email],
            headers={"Message-ID": f"<{notice.opaque_id}@waxwing>"},
        )
        with breaker.through("smtp"):
            refused = _hand_in(mail)
        if refused:
            raise refused
        return Receipt("smtp", str(notice.opaque_id))


def _hand_in(mail: EmailMessage) -> ChannelError | Rejected | None:
    """Send *mail*; what the server has against its recipient, which says nothing against the server."""
    try:
        mail.send()
    except SMTPRecipientsRefused as error:
        return _refusal(max(code for code, _ in error.recipients.values()))
    except SMTPResponseException as error:
        raise _refusal(error.smtp_code) from error
    except (SMTPException, OSError) as error:
        raise ChannelError(code="smtp-unreachable") from error
    return None


def _refusal(code: int) -> ChannelError | Rejected:
    """Permanent from 500 up, as RFC 5321 (4.2.1) has it."""
    return Rejected(code="smtp-rejected") if code >= 500 else ChannelError(code="smtp-deferred")
