"""Which field is wrong, as a JSON pointer (RFC 6901) into the request's body."""

from collections.abc import Iterator

from rest_framework.exceptions import ErrorDetail
from rest_framework.settings import api_settings

LONGEST_NAME = 64  # characters that are quoted of a name that somebody made up


def entry(pointer: str, code: str, detail: str) -> dict[str, str]:
    """One row of `errors`."""
    return {"pointer": pointer, "code": code, "detail": detail}


def entries(detail: object, pointer: str) -> Iterator[dict[str, str]]:
    """The rows for all that a serializer found wrong at *pointer* and below."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from entries(inner, pointer + step(name))
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            deeper = isinstance(inner, dict | list)
            yield from entries(inner, f"{pointer}/{index}" if deeper else pointer)
    elif isinstance(detail, ErrorDetail):
        yield entry(pointer, detail.code or "invalid", str(detail))


def by_parameter(row: dict[str, str]) -> dict[str, str]:
    """*row* of a request without a body: what it points at is a parameter of the address."""
    named = {"parameter": row["pointer"].removeprefix("#").lstrip("/")}
    return named | {name: value for name, value in row.items() if name != "pointer"}


def step(name: object) -> str:
    """The part of a pointer that leads to *name*; nothing for errors of the object itself."""
    if name == api_settings.NON_FIELD_ERRORS_KEY:
        return ""
    return "/" + str(name)[:LONGEST_NAME].replace("~", "~0").replace("/", "~1")
