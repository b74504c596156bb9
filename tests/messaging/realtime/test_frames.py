"""Frames: what a client may say, and what is refused with which words."""

import json
from uuid import UUID

import pytest

from messaging.errors import (
    Conflict,
    EncryptionUnavailable,
    Invalid,
    MessagingError,
    NotFound,
    TokenExpired,
)
from messaging.realtime.frames import (
    Hello,
    NotAFrame,
    Ping,
    Read,
    Refused,
    SendMessage,
    Subscribe,
    parse,
)
from messaging.realtime.refusals import error_frame, known
from messaging.realtime.wire import Wire

ROOM = "018f0000-0000-7000-8000-000000000001"


def text(type: str, **fields: object) -> str:
    return json.dumps({"type": type, **fields})


@pytest.mark.req("S38")
def test_every_field_of_a_frame_has_its_type() -> None:
    assert parse(text("ping", id=7)) == Ping(id=7)
    assert parse(text("read", conversationId=ROOM, seq=3)) == Read(
        conversation_id=UUID(ROOM), seq=3
    )
    assert parse(text("subscribe", conversationId=ROOM)) == Subscribe(conversation_id=UUID(ROOM))
    assert parse(text("hello", content="sealed", resume={ROOM: 5})) == Hello(
        content="sealed", resume={UUID(ROOM): 5}
    )
    sent = parse(text("message.send", conversationId=ROOM, content="a\nb", priority="HIGH"))
    assert isinstance(sent, SendMessage)
    assert (sent.content, sent.encrypted, sent.priority) == ("a\nb", None, "HIGH")


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (text("nonsense", id="q"), "type"),
        ('{"id": "q"}', "type"),
        (text("ping", id="q", colour="red"), "colour"),
        (text("read", id="q", conversationId=ROOM, seq="3"), "seq"),
        (text("read", id="q", conversationId=ROOM, seq=-1), "seq"),
        (text("read", id="q", conversationId=ROOM, seq=2**63), "seq"),
        (text("read", id="q", conversationId=ROOM, seq=1.5), "seq"),
        (text("read", id="q", conversationId=ROOM, seq=True), "seq"),
        (text("read", id="q", conversationId="../1", seq=1), "conversationId"),
        (text("read", id="q", conversationId=ROOM), "seq"),
        (text("hello", id="q", content="naked"), "content"),
        (text("hello", id="q", resume={ROOM: "1"}), "resume"),
        (text("hello", id="q", resume={"x": 1}), "resume"),
        (text("message.send", id="q", conversationId=ROOM, content=""), "content"),
        (text("message.send", id="q", conversationId=ROOM, content="x" * 10_001), "content"),
        (text("message.send", id="q", conversationId=ROOM, content="a\0b"), "content"),
        (text("message.send", id="q", conversationId=ROOM, content=3), "content"),
        (text("message.send", id="q", conversationId=ROOM, content="a", priority=1), "priority"),
        (text("message.send", id="q", conversationId=ROOM, content="a", senderId=ROOM), "senderId"),
        (text("message.edit", id="q", messageId=ROOM, content="a"), "version"),
        (text("message.edit", id="q", messageId=ROOM, content="", version=1), "content"),
        (text("message.edit", id="q", messageId=ROOM, content="a", version=0), "version"),
        (text("message.delete", id="q", messageId=ROOM, version="1"), "version"),
        (text("message.delete", id="q", messageId="x", version=1), "messageId"),
        (text("typing", id="q", conversationId=ROOM), "on"),
        (text("typing", id="q", conversationId=ROOM, on="yes"), "on"),
        (text("presence.set", id="q", status="invisible"), "status"),
        (text("presence.set", id="q", status="online", userId=ROOM), "userId"),
    ],
)
def test_a_frame_that_is_wrong_is_refused_with_the_place_and_its_id(frame: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        parse(frame)

    assert refused.value.id == "q"


def test_an_id_that_is_wrong_is_not_given_back() -> None:
    with pytest.raises(Refused) as refused:
        parse(text("ping", id=[1]))

    assert refused.value.id is None


def test_a_refusal_quotes_little() -> None:
    with pytest.raises(Refused) as refused:
        parse(text("ping", **{"x" * 100_000: 1}))

    assert len(str(refused.value)) <= 200


@pytest.mark.parametrize(
    "noise",
    [
        "",
        "hello",
        "[]",
        "null",
        '"ping"',
        '{"type":"ping"',
        '{"type":"ping",}',
        '{"type":"ping"} {}',
        '{"type":"nonsense","x":}',
        '{"type":"ping","x":NaN}',
        "[" * 100_000,
        '{"type":"nonsense","x":' + "[" * 100_000,
        '{"type":"message.send","content":"\\ud800 alone"}',
    ],
)
def test_what_is_no_json_object_is_no_frame_at_all(noise: str) -> None:
    with pytest.raises(NotAFrame):
        parse(noise)


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        (NotFound(), "not-found", False),
        (Conflict(), "conflict", False),
        (Invalid(pointer="/seq"), "validation", False),
        (TokenExpired(), "token-expired", False),
        (EncryptionUnavailable(), "encryption-unavailable", True),
        (MessagingError(), "internal", True),
    ],
)
def test_an_error_has_the_code_that_http_gives_it(
    error: MessagingError, code: str, retryable: bool
) -> None:
    frame = json.loads(Wire(error_frame(error, "q")).text)

    assert (frame["type"], frame["id"], frame["code"]) == ("error", "q", code)
    assert frame["retryable"] is retryable
    assert frame["title"] == error.title
    assert frame.get("pointer") == error.pointer


def test_an_error_that_nobody_expected_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    frame = error_frame(known(ValueError("canary")))

    assert frame.code == "internal"
    assert "canary" not in Wire(frame).text.decode() + caplog.text
    assert "ValueError" in caplog.text
