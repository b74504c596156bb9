"""What can go wrong in the product, as the caller of a service meets it.

MessagingError
├── Invalid                 a field is wrong (pointer says which)
├── Malformed               the request cannot be read at all
├── Unauthenticated         no token, or not one of ours
│   ├── TokenExpired        it was ours; refresh and come back
│   └── AccountDisabled     it is ours, but its user or their tenant is shut out
├── Forbidden               the caller may see it, and may not do this
├── NotFound                it is not there, or not for this caller: nobody can tell which
├── Conflict                it is not in the state that the request takes for granted
│   └── IdempotencyInProgress   the same request is being worked on right now
├── PreconditionFailed      it has been changed since the caller read it
├── PreconditionRequired    the caller does not say what they have read
├── KeyReused               the same idempotency key with another body
├── PayloadTooLarge         longer than its limit
├── QuotaExceeded           too many, too fast
└── EncryptionUnavailable   asked to seal and cannot; nothing was stored

A *code* is stable and the same over HTTP (problem type) and the socket (error frame). Texts never
hold content.
"""

from typing import ClassVar


class MessagingError(Exception):
    """A refusal with a stable code; *pointer* is the JSON pointer of the field at fault.

    *retry_after* are the seconds after which the same request may fare better.
    """

    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong"
    status: ClassVar[int] = 500

    def __init__(
        self, detail: str = "", *, pointer: str | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.pointer = pointer
        self.retry_after = retry_after


class Invalid(MessagingError):
    code, title, status = "validation", "A field is not valid", 400


class Malformed(MessagingError):
    code, title, status = "malformed", "The request cannot be read", 400


class Unauthenticated(MessagingError):
    code, title, status = "unauthenticated", "A valid access token is needed", 401


class TokenExpired(Unauthenticated):
    code, title = "token-expired", "The token has expired"


class AccountDisabled(Unauthenticated):
    title = "This account is disabled"


class Forbidden(MessagingError):
    code, title, status = "forbidden", "Not allowed", 403


class NotFound(MessagingError):
    code, title, status = "not-found", "Not found", 404


class Conflict(MessagingError):
    code, title, status = "conflict", "Not in a state that allows this", 409


class IdempotencyInProgress(Conflict):
    code, title = "idempotency-in-progress", "The same request is still being worked on"


class PreconditionFailed(MessagingError):
    code, title, status = "precondition-failed", "It has been changed since you read it", 412


class PreconditionRequired(MessagingError):
    code, title, status = "precondition-required", "Say which version you have read", 428


class KeyReused(MessagingError):
    code, title, status = "idempotency-key-reused", "This key came with another body before", 422


class PayloadTooLarge(MessagingError):
    code, title, status = "payload-too-large", "Too large", 413


class QuotaExceeded(MessagingError):
    code, title, status = "quota-exceeded", "Too many requests", 429


class EncryptionUnavailable(MessagingError):
    code, title, status = "encryption-unavailable", "Cannot encrypt now; nothing was stored", 503
