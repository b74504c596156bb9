"""Sending over REST."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import override_settings

from messaging.models import Message, Tenant, User
from queueing.models import Job
from tests.messaging.api.calls import DIRECT, V1, direct
from tests.messaging.api.conftest import Client

STEPS = ("encryption", "delivery", "notification", "indexing")


def test_a_direct_message_is_accepted_with_its_jobs_and_links(
    client: Client, alice: User, bob: User
) -> None:
    answer = direct(client(alice), bob, "Test encrypted message", encrypted=True)

    body = answer.json()
    message, queue, links = body["message"], body["queue"], body["links"]
    assert answer.status_code == 202
    assert answer["Location"] == links["self"] == f"{V1}/messages/{message['id']}"
    assert (message["senderId"], message["status"], message["seq"]) == (
        str(alice.pk),
        "PENDING",
        1,
    )
    assert (message["isEncrypted"], message["encryptionVersion"]) == (True, "1")
    assert (queue["success"], queue["errors"]) == (True, [])
    assert set(queue["jobIds"]) == set(STEPS)
    assert links["jobs"] == {
        step: f"{V1}/messages/jobs/{job}" for step, job in queue["jobIds"].items()
    }
    assert Job.objects.filter(pk__in=queue["jobIds"].values()).count() == 4


def test_the_links_lead_somewhere(client: Client, alice: User, bob: User) -> None:
    browser = client(alice)
    links = direct(browser, bob, encrypted=True).json()["links"]

    assert browser.get(links["self"]).json()["content"] == "Hello"
    for step in STEPS:
        assert browser.get(links["jobs"][step]).status_code == 200


def test_an_encrypted_message_is_stored_sealed(client: Client, alice: User, bob: User) -> None:
    direct(client(alice), bob, "canary-7f3a", encrypted=True, metadata={"ward": "canary-7f3a"})

    row = Message.objects.get()
    assert row.content == "" and row.metadata is None
    assert b"canary" not in bytes(row.encrypted_content or b"")
    assert b"canary" not in bytes(row.sealed_metadata or b"")


def test_a_plain_message_skips_the_encryption_step(client: Client, alice: User, bob: User) -> None:
    body = direct(client(alice), bob, encrypted=False).json()

    assert body["message"]["isEncrypted"] is False
    assert body["queue"]["jobIds"]["encryption"] is None
    assert body["links"]["jobs"]["encryption"] is None


def test_steps_that_are_not_asked_for_have_no_job(client: Client, alice: User, bob: User) -> None:
    body = direct(client(alice), bob, encrypted=True, notify=False, index=False).json()

    jobs = body["queue"]["jobIds"]
    assert [jobs[step] is None for step in STEPS] == [False, False, True, True]


@pytest.mark.parametrize(
    ("asked", "priority"),
    [
        ({}, 2),
        ({"priority": "LOW"}, 3),
        ({"priority": "CRITICAL"}, 0),
        ({"urgent": True}, 1),
        ({"urgent": True, "priority": "CRITICAL"}, 0),
        ({"urgent": False, "priority": "LOW"}, 3),
    ],
    ids=str,
)
def test_a_priority_reaches_the_jobs(
    client: Client, alice: User, bob: User, asked: dict[str, Any], priority: int
) -> None:
    direct(client(alice), bob, **asked)

    assert set(Job.objects.values_list("priority", flat=True)) == {priority}


def test_a_scheduled_message_waits_for_its_time(client: Client, alice: User, bob: User) -> None:
    due = datetime.now(UTC) + timedelta(hours=1)

    answer = direct(client(alice), bob, scheduledAt=due.isoformat())

    assert (answer.status_code, answer.json()["message"]["seq"]) == (202, None)
    row = Message.objects.get()
    assert row.scheduled_at == due
    assert client(bob).get(answer["Location"]).status_code == 404
    assert client(alice).get(answer["Location"]).status_code == 200


def test_the_past_is_no_time_to_schedule(client: Client, alice: User, bob: User) -> None:
    answer = direct(client(alice), bob, scheduledAt="2020-01-01T00:00:00Z")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "#/scheduledAt"


def test_a_trace_goes_along_with_the_message(client: Client, alice: User, bob: User) -> None:
    trace = f"00-{'a' * 32}-{'b' * 16}-01"

    direct(client(alice), bob, HTTP_TRACEPARENT=trace)
    direct(client(alice), bob, HTTP_TRACEPARENT="nonsense")

    assert list(Message.objects.order_by("pk").values_list("traceparent", flat=True)) == [trace, ""]


def test_the_same_key_and_body_is_one_message(client: Client, alice: User, bob: User) -> None:
    first, again = (direct(client(alice), bob, HTTP_IDEMPOTENCY_KEY="key-1") for _ in range(2))

    assert "Idempotent-Replayed" not in first
    assert (again.status_code, again["Idempotent-Replayed"]) == (202, "true")
    assert again.json() == first.json()
    assert again["Location"] == first["Location"]
    assert Message.objects.count() == 1


def test_a_repetition_under_the_other_prefix_is_the_same_request(
    client: Client, alice: User, bob: User
) -> None:
    first = direct(client(alice), bob, HTTP_IDEMPOTENCY_KEY="key-1")
    body = {"content": "Hello", "recipientId": str(bob.pk)}

    again = client(alice).post(
        "/api/messages/direct", body, format="json", HTTP_IDEMPOTENCY_KEY="key-1"
    )

    assert again.json()["message"]["id"] == first.json()["message"]["id"]


def test_the_same_key_with_another_body_is_422(client: Client, alice: User, bob: User) -> None:
    direct(client(alice), bob, HTTP_IDEMPOTENCY_KEY="key-1")

    answer = direct(client(alice), bob, "Something else", HTTP_IDEMPOTENCY_KEY="key-1")

    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/idempotency-key-reused"
    assert Message.objects.count() == 1


def test_a_key_is_its_senders_own(client: Client, alice: User, bob: User, carol: User) -> None:
    direct(client(alice), bob, HTTP_IDEMPOTENCY_KEY="key-1")
    answer = direct(client(carol), bob, HTTP_IDEMPOTENCY_KEY="key-1")

    assert "Idempotent-Replayed" not in answer
    assert Message.objects.count() == 2


@pytest.mark.parametrize("key", ["", "k" * 256, "clé", "a\tb"])
def test_a_key_is_printable_and_not_too_long(
    client: Client, alice: User, bob: User, key: str
) -> None:
    answer = direct(client(alice), bob, HTTP_IDEMPOTENCY_KEY=key)

    assert answer.status_code == 400
    assert not Message.objects.exists()


def test_a_client_message_id_works_like_a_key(client: Client, alice: User, bob: User) -> None:
    first, again = (direct(client(alice), bob, clientMessageId="c-1") for _ in range(2))
    other = direct(client(alice), bob, "Something else", clientMessageId="c-1")

    assert again.json() == first.json()
    assert again["Idempotent-Replayed"] == "true"
    assert other.status_code == 422


@pytest.mark.req("D2", "S67")
def test_encryption_that_is_off_refuses_and_stores_nothing(
    client: Client, alice: User, bob: User
) -> None:
    browser = client(alice)

    with override_settings(ENCRYPTION_ENABLED=False):
        sealed = direct(browser, bob, encrypted=True)
        plain = direct(browser, bob, encrypted=False)

    assert sealed.status_code == 503
    assert sealed.json()["type"] == "/problems/encryption-unavailable"
    assert plain.status_code == 202
    assert Message.objects.count() == 1


def test_a_tenant_that_requires_encryption_refuses_plain_messages(
    client: Client, clinic: Tenant, alice: User, bob: User
) -> None:
    Tenant.objects.filter(pk=clinic.pk).update(encryption=Tenant.Encryption.REQUIRED)

    answer = direct(client(alice), bob, encrypted=False)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "#/encrypted"


def test_nobody_writes_to_themselves(client: Client, alice: User) -> None:
    answer = direct(client(alice), alice)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "#/recipientId"


@pytest.mark.req("S112")
def test_the_path_without_a_version_is_the_same(client: Client, alice: User, bob: User) -> None:
    body = {"recipientId": str(bob.pk), "content": "Hello"}

    answer = client(alice).post("/api/messages/direct", body, format="json")

    assert answer.status_code == 202
    assert answer["Location"].startswith(f"{V1}/messages/")


def test_a_recipient_that_does_not_exist_is_404(client: Client, alice: User) -> None:
    body = {"recipientId": str(uuid4()), "content": "Hello"}

    assert client(alice).post(DIRECT, body, format="json").status_code == 404
