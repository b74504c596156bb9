"""Whatever is sent, the answer is a refusal with a reason or a success, never a fault of ours."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.api.parsing import parse
from messaging.errors import MessagingError
from messaging.models import User
from tests.messaging.api.calls import V1, direct
from tests.messaging.api.conftest import Client
from tests.messaging.api.contract import schema

NASTY: list[Any] = [
    None,
    True,
    0,
    -1,
    2**63,
    10**400,
    1.5,
    "",
    " ",
    "\u202e\u200b\ufeff",
    "\x01\x7f",
    "' OR 1=1; --",
    "%00%n%s{0}{}",
    "../../etc/passwd",
    "a" * 300_000,
    "1970-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999999+23:59",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    [],
    ["a", 1, None],
    {},
    {"": {"": ""}},
    {"__proto__": 1, "$ne": 1},
]
PARAMETERS = [
    "",
    "%00",
    "-1",
    "99999999999999999999",
    "..%2F",
    "a%27",
    "%ED%A0%80",
    "%FF",
    "A" * 22,
]

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=20,
)


@settings(deadline=None, max_examples=50)
@given(values)
def test_every_json_value_within_the_limits_is_read_as_it_is(value: Any) -> None:
    assert parse(json.dumps(value).encode()) == value
    assert parse(json.dumps(value, ensure_ascii=False).encode()) == value


@settings(deadline=None, max_examples=100)
@given(st.binary() | texts.map(str.encode) | values.map(lambda one: json.dumps(one)[1:].encode()))
def test_any_other_bytes_are_refused_and_nothing_worse(raw: bytes) -> None:
    try:
        parse(raw)
    except MessagingError as refusal:
        assert refusal.status in {400, 413}


def requests() -> list[tuple[str, str, dict[str, Any]]]:
    """Every operation that takes a body: method, address, and the schema of the body."""
    found = []
    for path, operations in schema()["paths"].items():
        for method, operation in operations.items():
            if "requestBody" in operation:
                ref = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
                found.append((method, path, schema()["components"]["schemas"][ref.split("/")[-1]]))
    return found


@pytest.mark.parametrize(
    ("method", "path", "body"), requests(), ids=lambda value: value if value != {} else ""
)
def test_no_value_of_any_field_breaks_an_operation(
    client: Client, alice: User, bob: User, method: str, path: str, body: dict[str, Any]
) -> None:
    sent = direct(client(alice), bob).json()["message"]
    url = path.format_map(Ids(conversationId=sent["conversationId"], messageId=sent["id"]))
    browser = client(alice)
    good = {"content": "Hello", "recipientId": str(bob.pk), "userId": str(bob.pk), "seq": 1}
    good |= {"conversationId": sent["conversationId"], "participantIds": [str(bob.pk)]}
    good |= {"recipientIds": [str(bob.pk)]}
    good |= {"username": "alice", "password": "x", "refreshToken": "x"}
    good |= {"label": "Phone", "nonce": "A" * 43}
    good |= {"platform": "apns", "token": "0a" * 32, "phone": "+4930123456"}

    for name in body["properties"]:
        for value in NASTY:
            whole = {key: good[key] for key in body.get("required", ())} | {name: value}
            answer = getattr(browser, method)(url, whole, format="json", HTTP_IF_MATCH="*")
            assert answer.status_code < 500, f"{name}={ascii(value)[:40]}: {answer.content!r}"


class Ids(dict[str, str]):
    """Ids by name; one that nobody knows is some other id."""

    def __missing__(self, name: str) -> str:
        return "01a202bd-0825-7eb2-a343-10c0cb104660"


def test_no_parameter_breaks_an_operation(client: Client, alice: User, bob: User) -> None:
    sent = direct(client(alice), bob).json()["message"]
    browser = client(alice)

    for path, operations in schema()["paths"].items():
        url = path.format_map(Ids(conversationId=sent["conversationId"], messageId=sent["id"]))
        for parameter in operations.get("get", {}).get("parameters", ()):
            for value in PARAMETERS if parameter["in"] == "query" else ():
                answer = browser.get(f"{url}?q=a&{parameter['name']}={value}")
                assert answer.status_code < 500, f"{url} {parameter['name']}={value}"


@pytest.mark.parametrize(
    "value", ["x", "0", "..", "%00", "%27", "a" * 5000, "%ED%A0%80", "%2e%2e%2f"]
)
def test_no_id_in_an_address_breaks_it(client: Client, alice: User, value: str) -> None:
    browser = client(alice)

    for path in schema()["paths"]:
        if "{" in path:
            address = path.format_map({name: value for name in NAMES})
            assert browser.get(address).status_code in {404, 405}, address


NAMES = (
    "batchId",
    "conversationId",
    "messageId",
    "userId",
    "sessionId",
    "notificationId",
    "jobId",
    "queue",
    "deviceId",
    "keyDeviceId",
)


@pytest.mark.parametrize(
    "header", ["Authorization", "Idempotency-Key", "traceparent", "X-Request-Id"]
)
@pytest.mark.parametrize(
    "value", ["", "\x00", "é" * 10, "a" * 10_000, "Bearer", "Bearer  ", "\ud83d"]
)
def test_no_header_breaks_a_send(
    client: Client, alice: User, bob: User, header: str, value: str
) -> None:
    name = "HTTP_" + header.upper().replace("-", "_")

    answer = direct(client(alice), bob, **{name: value})

    assert answer.status_code in {202, 400, 401}


def test_mallory_gets_no_further_with_nasty_ids(
    client: Client, mallory: User, alice: User, bob: User
) -> None:
    sent = direct(client(alice), bob).json()["message"]["id"]

    for spelled in (sent.upper(), sent.replace("-", ""), f"{{{sent}}}", f"{sent}%00", f"{sent}/"):
        assert client(mallory).get(f"{V1}/messages/{spelled}").status_code == 404
