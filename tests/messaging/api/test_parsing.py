"""What a body may be."""

import json

import pytest
from rest_framework.test import APIClient

from messaging.api.parsing import DEEPEST, LONGEST, MOST_NAMES, parse
from messaging.errors import Malformed
from tests.messaging.api.calls import V1

TOKEN = f"{V1}/auth/token"


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def test_a_json_object_is_read_as_it_was_written() -> None:
    raw = '{"text": "Grüße 👋 \\ud83d\\udc4b", "flag": true, "number": -1.5, "none": null}'

    assert parse(raw.encode()) == {
        "text": "Grüße 👋 👋",
        "flag": True,
        "number": -1.5,
        "none": None,
    }


def test_limits_are_met_exactly() -> None:
    assert parse(nested(DEEPEST))
    assert len(parse(json.dumps(dict.fromkeys(map(str, range(MOST_NAMES)), 1)).encode())) == 1000
    assert parse(str(2**63 - 1).encode()) == 2**63 - 1


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(nested(DEEPEST + 1), id="a level too deep"),
        pytest.param(nested(100_000), id="deeper than any stack"),
        pytest.param(b'{"a":' * 33 + b"1" + b"}" * 33, id="objects too deep"),
        pytest.param(json.dumps(dict.fromkeys(map(str, range(1001)))).encode(), id="many names"),
        pytest.param(
            json.dumps([dict.fromkeys(map(str, range(500)))] * 3).encode(), id="many names in all"
        ),
        pytest.param(b'{"a": 1, "a": 2}', id="the same name twice"),
        pytest.param(b'{"a": 1, "\\u0061": 2}', id="the same name twice, once escaped"),
        pytest.param(b'{"a": "\\u0000"}', id="NUL"),
        pytest.param(b'{"a\\u0000": 1}', id="NUL in a name"),
        pytest.param(b'[["\\ud800"]]', id="half of a surrogate pair"),
        pytest.param(b'["\\udc4b\\ud83d"]', id="a surrogate pair the wrong way round"),
        pytest.param(b'{"a": "\xed\xa0\x80"}', id="a surrogate in UTF-8"),
        pytest.param(b'{"a": "\x00"}', id="a raw NUL"),
        pytest.param(b"NaN", id="NaN"),
        pytest.param(b"[Infinity]", id="Infinity"),
        pytest.param(b"[1e999]", id="a float that overflows"),
        pytest.param(b"9" * 5000, id="a number of 5,000 digits"),
        pytest.param(str(2**63).encode(), id="a number past bigint"),
        pytest.param('"é"'.encode("latin-1"), id="Latin-1"),
        pytest.param('{"a": 1}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b"\xef\xbb\xbf{}", id="a byte order mark"),
        pytest.param(b"{} {}", id="two values"),
        pytest.param(b"{'a': 1}", id="single quotes"),
        pytest.param(b'{"a": 1', id="cut off"),
    ],
)
def test_what_two_parsers_could_read_differently_is_refused(raw: bytes) -> None:
    with pytest.raises(Malformed):
        parse(raw)


def test_a_body_over_the_limit_is_413() -> None:
    body = b'{"username": "' + b"a" * LONGEST + b'"}'

    answer = APIClient().post(TOKEN, body, content_type="application/json")

    assert answer.status_code == 413
    assert answer.json()["type"] == "/problems/payload-too-large"


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data", "application/xml"])
def test_anything_but_json_is_415(content_type: str) -> None:
    answer = APIClient().post(TOKEN, b"{}", content_type=content_type)

    assert answer.status_code == 415
    assert answer.json()["type"] == "/problems/unsupported-media-type"


def test_a_compressed_body_is_415() -> None:
    answer = APIClient().post(
        TOKEN, b"{}", content_type="application/json", HTTP_CONTENT_ENCODING="gzip"
    )

    assert answer.status_code == 415


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"1", b"true"])
def test_a_body_that_is_no_object_is_a_validation_problem(body: bytes) -> None:
    answer = APIClient().post(TOKEN, body, content_type="application/json")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "#"


def test_a_body_that_cannot_be_read_is_a_malformed_problem() -> None:
    answer = APIClient().post(TOKEN, b'{"a": "\\u0000"}', content_type="application/json")

    assert answer.status_code == 400
    assert answer.json()["type"] == "/problems/malformed"
