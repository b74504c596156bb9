"""Reads a JSON body strictly: what two parsers could understand differently is refused.

Stock parsers let through duplicate names, NaN, NUL and half surrogates, which PostgreSQL then
refuses with a 500, and recurse as deep as somebody likes.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser

from messaging.errors import Malformed, PayloadTooLarge

LONGEST = 256 * 1024  # bytes of a body
DEEPEST = 32
MOST_NAMES = 1000
LARGEST = 2**63 - 1  # of a whole number: what a bigint holds
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # no text of PostgreSQL's may hold these


class StrictJSONParser(BaseParser):
    """One JSON value in UTF-8, within limits."""

    media_type = "application/json"
    longest, most_names = LONGEST, MOST_NAMES

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The value that *stream* holds."""
        request = (parser_context or {})["request"]
        if request.headers.get("Content-Encoding", "identity") != "identity":
            raise UnsupportedMediaType(media_type or "")
        raw = stream.read(self.longest + 1)
        if len(raw) > self.longest:
            raise PayloadTooLarge
        return parse(raw, self.most_names)


class LongJSONParser(StrictJSONParser):
    """The same for a batch: ten thousand people and what is said to each."""

    longest, most_names = 4 * 1024 * 1024, 50_000


def parse(raw: bytes, most_names: int = MOST_NAMES) -> Any:
    """The JSON value in *raw*."""
    try:
        value = Reader(most_names).decode(raw.decode("utf-8"))
    except (ValueError, RecursionError):  # also UnicodeDecodeError and JSONDecodeError
        raise Malformed("The body is not one JSON value in UTF-8.") from None
    check(value)
    return value


class Reader:
    """Counts names while the standard parser reads."""

    def __init__(self, most: int = MOST_NAMES) -> None:
        self.names, self.most = 0, most

    def decode(self, text: str) -> Any:
        """The value of *text*."""
        return json.loads(
            text,
            object_pairs_hook=self.pairs,
            parse_int=whole,
            parse_float=finite,
            parse_constant=constant,
        )

    def pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """The object of *pairs*, each name once."""
        self.names += len(pairs)
        if self.names > self.most:
            raise Malformed(f"More than {self.most} names.")
        found = dict(pairs)
        if len(found) != len(pairs):
            raise Malformed("A name stands twice in one object.")
        return found


def whole(text: str) -> int:
    """A whole number that a bigint holds."""
    if len(text) > len(str(-LARGEST)) or not -LARGEST - 1 <= (number := int(text)) <= LARGEST:
        raise Malformed("A number is too large.")
    return number


def finite(text: str) -> float:
    """A number that a double holds."""
    number = float(text)
    if not math.isfinite(number):
        raise Malformed("A number is too large.")
    return number


def constant(name: str) -> float:
    """NaN and Infinity are no JSON."""
    raise Malformed(f"{name} is not JSON.")


def check(value: Any) -> None:
    """Refuse *value* where it is too deep or holds text that cannot be stored."""
    level, depth = [value], 0
    while level:
        below: list[Any] = []
        nested = False
        for one in level:
            if isinstance(one, str):
                storable(one)
            elif isinstance(one, dict):
                nested = True
                below += (*one.keys(), *one.values())
            elif isinstance(one, list):
                nested = True
                below += one
        if nested and depth == DEEPEST:
            raise Malformed(f"Deeper than {DEEPEST} levels.")
        level, depth = below, depth + 1


def storable(text: str) -> None:
    """Refuse *text* with a NUL or half of a surrogate pair."""
    if UNSTORABLE.search(text):
        raise Malformed("A text holds a character that cannot be stored.")
