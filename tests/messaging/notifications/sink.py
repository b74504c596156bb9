"""An SMTP server's answers for tests."""

import asyncio

from aiosmtpd.smtp import SMTP, Envelope, Session


class Sink:
    """An SMTP server's answers: takes everything, or says what it was told to."""

    def __init__(self) -> None:
        self.mails: list[str] = []
        self.seconds = 0.0  # that it takes to answer
        self.recipient_answer = "250 OK"
        self.data_answer = "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        await asyncio.sleep(self.seconds)
        envelope.rcpt_tos.append(address)
        return self.recipient_answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.mails.append((envelope.content or b"").decode())
        return self.data_answer
