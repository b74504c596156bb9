"""The schemas of the required shapes are valid, strict and refuse what does not fit."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.messaging.api.required import PARTS, documents, validator

ID = "01a2030b-20a2-7a3e-8c39-6aff902cd5f0"
AT = "2026-01-01T00:00:00.000Z"
SHAPES = sorted(name.removesuffix(".json") for name in documents() if name != PARTS)
OPEN = {"data", "result"}  # objects that several kinds of job fill, each with its own fields

COUNTS = {"waiting": 0, "active": 1, "completed": 42, "failed": 0}
KEYS = documents()[PARTS]["$defs"]["key"]["enum"]
HEALTH = {
    "queue": "message-delivery", "key": "MESSAGE_DELIVERY", "status": "healthy",
    "checks": {"redis": True, "accepting": True, "processing": True, "highFailureRate": False},
    "failureRate": 0.0, "averageProcessingTime": 0.012, "waiting": 0, "oldestSeconds": 0.0,
    "workers": 1, "checkedAt": AT,
}  # fmt: skip
LETTER = {
    "messageId": ID, "conversationId": ID, "senderId": ID, "recipientId": None,
    "requiresEncryption": True, "createdAt": AT,
}  # fmt: skip
EVENT = {
    "type": "event", "event": "message.created", "conversationId": ID, "seq": 41, "at": AT,
    "data": {"messageId": ID, "senderId": ID, "content": "aGVsbG8=", "isEncrypted": True,
             "timestamp": AT},
}  # fmt: skip
SEALED = {"algorithm": "AES-256-GCM", "iv": "A" * 16, "authTag": "A" * 22 + "==", "keyId": "k1"}

# As the requirements show them, with ids and times in the places of the dots.
EXAMPLES: dict[str, dict[str, Any]] = {
    "b-accepted": {
        "message": {"id": ID, "conversationId": ID, "senderId": ID, "seq": 41, "status": "PENDING",
                    "isEncrypted": True, "encryptionVersion": "1", "createdAt": AT},
        "queue": {"success": True, "errors": [],
                  "jobIds": {"encryption": ID, "delivery": ID, "notification": ID, "indexing": None}},
        "links": {"self": f"/api/v1/messages/{ID}",
                  "jobs": {"encryption": f"/api/v1/messages/jobs/{ID}",
                           "delivery": f"/api/v1/messages/jobs/{ID}",
                           "notification": f"/api/v1/messages/jobs/{ID}", "indexing": None}},
    },
    "d-batch": {
        "batchId": "batch-001", "jobId": ID,
        "links": {"self": "/api/v1/batches/batch-001", "job": f"/api/v1/messages/jobs/{ID}",
                  "recipients": "/api/v1/batches/batch-001/recipients"},
    },
    "delivery": {
        "messageId": ID, "recipientId": ID, "status": "SENT", "sentAt": AT, "deliveredAt": None,
        "readAt": None, "failureReason": None,
        "metadata": {"jobId": ID, "attempts": 1, "encrypted": True},
    },
    "e-metrics": {
        "queues": {key: {"name": "message-delivery", **COUNTS, "delayed": 0, "paused": 0,
                         "oldestSeconds": 0.0, "ratePerMinute": 12.5} for key in KEYS},
        "totals": {**COUNTS, "delayed": 0, "paused": 0}, "timestamp": AT,
    },
    "event-open": EVENT,
    "event-sealed": {**EVENT, "data": {**EVENT["data"], "encryptionMetadata": SEALED}},
    "f-flat-metrics": dict.fromkeys(KEYS, COUNTS),
    "g-all-health": {"status": "healthy", "queues": dict.fromkeys(KEYS, HEALTH), "checkedAt": AT},
    "g-health": HEALTH,
    "h-failed": {
        "data": [{"jobId": ID, "queueName": "message-delivery", "name": "send-message",
                  "data": LETTER, "error": {"code": "sender-left", "title": "The sender has left."},
                  "attempts": 5, "failedAt": AT, "createdAt": AT}],
        "nextCursor": None, "hasMore": False,
    },
    "i-retried": {"jobId": ID, "queueName": "message-delivery", "state": "waiting", "attempts": 5,
                  "maxAttempts": 10},
    "j-job": {
        "jobId": ID, "name": "send-message", "queueName": "message-delivery",
        "key": "MESSAGE_DELIVERY", "priority": "NORMAL", "state": "active", "attempts": 1,
        "maxAttempts": 5, "messageId": ID, "data": LETTER,
        "progress": {"percentage": 50, "step": "sending", "totalSteps": 3, "currentStep": 2,
                     "data": {}},
        "error": None, "createdAt": AT, "startedAt": AT, "finishedAt": None,
    },
}  # fmt: skip


def objects(value: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object within *value*, with the name of its field."""
    if isinstance(value, dict):
        yield name, value
        for key, inner in value.items():
            yield from objects(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from objects(inner, name)


@pytest.mark.parametrize("name", sorted(documents()))
def test_every_schema_is_one_and_names_its_fields(name: str) -> None:
    schema = documents()[name]

    Draft202012Validator.check_schema(schema)
    for field, part in objects(schema):
        if "properties" in part and "required" in part and field not in OPEN:
            assert "additionalProperties" in part or "pushPayload" in str(part), f"{name}: {field}"
            assert set(part["required"]) <= part["properties"].keys() | set(KEYS)


def test_every_shape_has_an_example() -> None:
    assert sorted(EXAMPLES) == SHAPES


@pytest.mark.parametrize("name", SHAPES)
def test_the_required_example_fits_and_nothing_can_be_added_or_left_out(name: str) -> None:
    found = validator(name)
    found.validate(EXAMPLES[name])
    places = len(list(objects(EXAMPLES[name])))

    for place in range(places):
        changed = copy.deepcopy(EXAMPLES[name])
        field, part = list(objects(changed))[place]
        if field == "data" and not part:
            continue  # of progress: whatever the kind tells
        for key in list(part):
            kept = part.pop(key)
            assert not found.is_valid(changed), f"{name} without {field}.{key}"
            part[key] = kept
        part["stack"] = "Traceback"
        assert not found.is_valid(changed), f"{name} with {field}.stack"


@pytest.mark.parametrize("moment", ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000+00:00", "now"])
def test_times_are_in_utc_with_milliseconds(moment: str) -> None:
    assert not validator("d-batch").is_valid({**EXAMPLES["d-batch"], "jobId": moment})
    assert not validator("g-health").is_valid({**HEALTH, "checkedAt": moment})


@pytest.mark.parametrize("id", ["user-002", ID.upper(), ID.replace("-7a3e-", "-4a3e-"), 7, ""])
def test_ids_are_uuids_of_version_7(id: Any) -> None:
    assert not validator("i-retried").is_valid({**EXAMPLES["i-retried"], "jobId": id})
