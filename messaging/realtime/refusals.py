"""How an error is told on a socket: as a frame, and where it ends the connection, by which code."""

import logging
import traceback
from uuid import UUID

from messaging.errors import (
    AccountDisabled,
    Forbidden,
    IdempotencyInProgress,
    MessagingError,
    QuotaExceeded,
    Unauthenticated,
)
from messaging.realtime.closing import Close
from messaging.realtime.frames import Error, Id
from messaging.realtime.outbox import Outbox
from messaging.realtime.wire import Wire

log = logging.getLogger(__name__)

# The first that fits.
CODES: list[tuple[type[MessagingError], Close]] = [
    (AccountDisabled, Close.DISABLED),
    (Unauthenticated, Close.UNAUTHENTICATED),
    (Forbidden, Close.FORBIDDEN),
    (QuotaExceeded, Close.FLOOD),
]


def error_frame(
    error: MessagingError, id: Id | None = None, conversation_id: UUID | None = None
) -> Error:
    """*error* as a frame; its code is the problem type that HTTP gives."""
    passing = error.status >= 500 or isinstance(error, IdempotencyInProgress | QuotaExceeded)
    return Error(
        code=error.code,
        title=error.title,
        retryable=passing,
        id=id,
        detail="" if error.detail == error.title else error.detail,
        pointer=error.pointer,
        conversation_id=conversation_id,
        retry_after=error.retry_after or (1 if passing else None),
    )


def known(error: Exception) -> MessagingError:
    """*error*, or for one that nobody expected an internal one: its text stays here."""
    if isinstance(error, MessagingError):
        return error
    where = "".join(traceback.format_tb(error.__traceback__))
    name = type(error).__name__
    log.error("A socket's command failed: %s\n%s", name, where, extra={"code": name})
    return MessagingError()


def refuse(outbox: Outbox, error: MessagingError, id: Id | None = None) -> None:
    """Say why, and close."""
    end(
        outbox,
        error,
        next((code for kind, code in CODES if isinstance(error, kind)), Close.FAULT),
        id,
    )


def end(outbox: Outbox, error: MessagingError, code: Close, id: Id | None = None) -> None:
    """Say why, and close with *code*."""
    outbox.write(Wire(error_frame(error, id)))
    outbox.close(code)
