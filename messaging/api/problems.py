"""Every kind of refusal with its title and what to do about it; served at /problems/{code}."""

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@dataclass(frozen=True, slots=True)
class Kind:
    """A row of the table below."""

    status: int
    title: str
    advice: str


KINDS = {
    "validation": Kind(
        400,
        "A field is not valid",
        "Correct the fields that `errors` points at, and send again.",
    ),
    "malformed": Kind(
        400,
        "The request cannot be read",
        "Send one JSON object in UTF-8, not deeper than 32 levels, each name once.",
    ),
    "unauthenticated": Kind(
        401,
        "A valid access token is needed",
        "Log in, and send the access token as `Authorization: Bearer …`.",
    ),
    "token-expired": Kind(
        401,
        "The token has expired",
        "Use the refresh token at /auth/refresh, and repeat with the new access token.",
    ),
    "forbidden": Kind(
        403,
        "Not allowed",
        "You may see this and may not do that; ask an owner of the conversation or an operator.",
    ),
    "not-found": Kind(
        404,
        "Not found",
        "It does not exist, or not for you. Check the id and who you are logged in as.",
    ),
    "method-not-allowed": Kind(
        405,
        "Method not allowed",
        "See the `Allow` header for what this address understands.",
    ),
    "not-acceptable": Kind(
        406,
        "No such representation",
        "Answers are JSON: send `Accept: application/json`, or nothing.",
    ),
    "conflict": Kind(
        409,
        "Not in a state that allows this",
        "Read the object again, and decide anew.",
    ),
    "job-state": Kind(
        409,
        "The job is not in a state that allows this",
        "Only a failed job can be retried. Look at its state first.",
    ),
    "idempotency-in-progress": Kind(
        409,
        "The same request is still being worked on",
        "Wait a second, and send the same request with the same key again.",
    ),
    "precondition-failed": Kind(
        412,
        "It has been changed since you read it",
        "Read it again, and decide anew; send the new `ETag` as `If-Match`.",
    ),
    "payload-too-large": Kind(
        413,
        "Too large",
        "A request body has at most 256 KiB.",
    ),
    "unsupported-media-type": Kind(
        415,
        "Not JSON",
        "Send `Content-Type: application/json`, uncompressed.",
    ),
    "idempotency-key-reused": Kind(
        422,
        "This key came with another body before",
        "Use a new Idempotency-Key for a new request.",
    ),
    "precondition-required": Kind(
        428,
        "Say which version you have read",
        "Send the `ETag` that came with the message as `If-Match`.",
    ),
    "quota-exceeded": Kind(
        429,
        "Too many requests",
        "Wait for as many seconds as `Retry-After` says.",
    ),
    "internal": Kind(
        500,
        "Something went wrong",
        "It is our fault. Repeat with the same Idempotency-Key; if it stays, report the "
        "`requestId`.",
    ),
    "encryption-unavailable": Kind(
        503,
        "Cannot encrypt now; nothing was stored",
        "Encryption is off or its keys are out of reach. Try later; a plain message must "
        "be asked for by name.",
    ),
    "unavailable": Kind(
        503,
        "Out of service for a moment",
        "Wait for as many seconds as `Retry-After` says, and send the same request again.",
    ),
}

# Registered with IANA by the draft on rate limit headers; every other type is a page of ours.
REGISTERED = {"quota-exceeded": "https://iana.org/assignments/http-problem-types#quota-exceeded"}


def type_of(code: str) -> str:
    """The `type` of a problem."""
    return REGISTERED.get(code, f"/problems/{code}")


@require_safe
def page(request: HttpRequest, code: str) -> HttpResponse:
    """A page that says what *code* means and what to do."""
    kind = KINDS.get(code)
    if kind is None:
        raise Http404
    return render(request, "messaging/problem.html", {"code": code, "kind": kind})
