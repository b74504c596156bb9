"""Which values a field takes."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from rest_framework.serializers import ValidationError

from messaging.api.fields import METADATA_BYTES
from messaging.api.pages import LARGEST_SEQ, encode, seq_of
from messaging.api.serializers import (
    AddParticipant,
    Page,
    ReadMarker,
    SearchQuery,
    SendDirect,
    SendGroup,
    StartConversation,
    shared,
)
from messaging.models import Priority

ID = str(uuid4())


def wrong(kind: type, body: object) -> dict[str, Any]:
    with pytest.raises(ValidationError) as caught:
        shared(kind).run_validation(body)
    found = caught.value.detail
    assert isinstance(found, dict)
    return found


def test_a_send_needs_a_recipient_and_a_content_only() -> None:
    value = shared(SendDirect).run_validation({"recipientId": ID, "content": "Hello"})

    assert value == {
        "recipient_id": UUID(ID),
        "content": "Hello",
        "notify": True,
        "index": True,
    }


@pytest.mark.req("S77", "S112")
def test_a_send_takes_all_that_it_knows() -> None:
    body = {
        "conversationId": ID.upper(),
        "content": " kept as it is \n",
        "encrypted": False,
        "priority": "CRITICAL",
        "urgent": True,
        "scheduledAt": "2030-01-01T02:00:00.5+02:00",
        "clientMessageId": "c" * 64,
        "notify": False,
        "index": False,
        "metadata": {"snake_case": {"deep": [1, None]}},
    }

    value = shared(SendGroup).run_validation(body)

    assert value == {
        "conversation_id": UUID(ID),
        "content": " kept as it is \n",
        "encrypted": False,
        "priority": Priority.CRITICAL,
        "urgent": True,
        "scheduled_at": datetime(2030, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC),
        "client_message_id": "c" * 64,
        "notify": False,
        "index": False,
        "metadata": {"snake_case": {"deep": [1, None]}},
    }


@pytest.mark.parametrize("length", [1, 10_000])
def test_a_content_has_up_to_ten_thousand_characters_of_any_kind(length: int) -> None:
    assert shared(SendDirect).run_validation({"recipientId": ID, "content": "👋" * length})


@pytest.mark.req("S38")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("content", ""),
        ("content", "a" * 10_001),
        ("content", None),
        ("content", 0),
        ("content", True),
        ("content", ["a"]),
        ("content", {"a": "b"}),
        ("recipientId", "user-002"),
        ("recipientId", 7),
        ("recipientId", None),
        ("recipientId", ID.replace("-", "")),
        ("recipientId", "{" + ID + "}"),
        ("recipientId", f"urn:uuid:{ID}"),
        ("encrypted", "true"),
        ("encrypted", 1),
        ("encrypted", 0),
        ("encrypted", None),
        ("notify", "false"),
        ("urgent", "yes"),
        ("priority", "high"),
        ("priority", 1),
        ("priority", None),
        ("priority", ["HIGH"]),
        ("priority", "URGENT"),
        ("scheduledAt", "2030-01-01T00:00:00"),
        ("scheduledAt", "2030-01-01"),
        ("scheduledAt", "tomorrow"),
        ("scheduledAt", 1893456000),
        ("scheduledAt", "2030-13-01T00:00:00Z"),
        ("scheduledAt", "2030-01-01T25:00:00Z"),
        ("scheduledAt", "9999-12-31T23:59:59-12:00"),
        ("scheduledAt", "0000-01-01T00:00:00Z"),
        ("clientMessageId", ""),
        ("clientMessageId", "c" * 65),
        ("clientMessageId", 1),
        ("metadata", []),
        ("metadata", "{}"),
        ("metadata", None),
        ("metadata", {"a": "b" * METADATA_BYTES}),
    ],
)
def test_a_value_of_another_type_or_length_is_refused(field: str, value: object) -> None:
    body = {"recipientId": ID, "content": "Hello", field: value}

    assert list(wrong(SendDirect, body)) == [field]


def test_metadata_is_measured_in_bytes() -> None:
    room = METADATA_BYTES - len('{"a":""}')
    body = {"recipientId": ID, "content": "Hello"}

    assert shared(SendDirect).run_validation(body | {"metadata": {"a": "b" * room}})
    assert wrong(SendDirect, body | {"metadata": {"a": "é" * (room - 10)}})


@pytest.mark.req("S38")
@pytest.mark.parametrize(
    "name",
    ["id", "tenant", "tenantId", "sender", "senderId", "seq", "status", "isStaff", "recipient_id"],
)
def test_what_is_not_the_senders_to_say_is_refused(name: str) -> None:
    assert list(wrong(SendDirect, {"recipientId": ID, "content": "Hello", name: ID})) == [name]


@pytest.mark.parametrize("body", [None, [], "text", 1, True])
def test_a_body_is_an_object(body: object) -> None:
    with pytest.raises(ValidationError):
        shared(SendDirect).run_validation(body)


def test_a_group_has_others_and_perhaps_a_title() -> None:
    value = shared(StartConversation).run_validation({"participantIds": [ID]})

    assert value == {"participant_ids": [UUID(ID)], "title": ""}
    assert wrong(StartConversation, {"participantIds": []})
    assert wrong(StartConversation, {"participantIds": ID})
    assert wrong(StartConversation, {"participantIds": {"0": ID}})
    assert wrong(StartConversation, {"participantIds": [ID], "title": "t" * 201})


def test_a_member_is_added_without_the_past_unless_told_otherwise() -> None:
    value = shared(AddParticipant).run_validation({"userId": ID})

    assert value == {"user_id": UUID(ID), "role": "member", "history": False}
    assert wrong(AddParticipant, {"userId": ID, "role": "admin"})
    assert wrong(AddParticipant, {"userId": ID, "history": "yes"})


@pytest.mark.parametrize("seq", [-1, 2**63, "1", 1.0, True, None, 10**40])
def test_a_read_marker_is_a_seq(seq: object) -> None:
    assert wrong(ReadMarker, {"seq": seq})


def test_a_page_has_twenty_five_rows_and_at_most_a_hundred() -> None:
    assert shared(Page).run_validation({}) == {"limit": 25}
    assert shared(Page).run_validation({"limit": "100"}) == {"limit": 100}


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1.0", "1e1", "", "a", "99999", "٣", " 1"])
def test_another_limit_is_refused(limit: str) -> None:
    assert wrong(Page, {"limit": limit})


@pytest.mark.parametrize("value", [UUID(int=0), UUID(int=2**128 - 1), uuid4()])
def test_a_cursor_is_an_id_in_twenty_two_characters(value: UUID) -> None:
    cursor = encode(value)

    assert len(cursor) == 22
    assert shared(Page).run_validation({"cursor": cursor})["cursor"] == value


@pytest.mark.parametrize("seq", [0, 1, 41, LARGEST_SEQ])
def test_a_cursor_can_be_a_seq(seq: int) -> None:
    cursor = shared(Page).run_validation({"cursor": encode(seq)})["cursor"]

    assert seq_of(cursor) == seq


def test_any_cursor_is_a_seq_that_the_database_can_compare() -> None:
    assert seq_of(UUID(int=2**128 - 1)) == LARGEST_SEQ


@pytest.mark.parametrize(
    "cursor", ["", "x", "A" * 21, "A" * 23, "A" * 21 + "B", "A" * 21 + "=", "é" * 22]
)
def test_another_cursor_is_refused(cursor: str) -> None:
    assert wrong(Page, {"cursor": cursor})


@pytest.mark.parametrize(
    "query", [{}, {"q": ""}, {"q": "a" * 501}, {"q": "a\x00b"}, {"q": "a", "conversationId": "x"}]
)
def test_a_search_needs_words(query: dict[str, str]) -> None:
    assert wrong(SearchQuery, query)
