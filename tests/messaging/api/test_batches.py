"""Batches over HTTP."""

from typing import Any
from uuid import uuid4

import pytest

from messaging.models import Batch, Message, User
from queueing.testing import make_due, work_all
from tests.messaging.api.calls import V1
from tests.messaging.api.conftest import Client

BATCH = f"{V1}/messages/batch"
TEXT = "The clinic is closed on Monday."


def order(*people: object, **more: Any) -> dict[str, Any]:
    ids = [str(getattr(person, "pk", person)) for person in people]
    return {"recipientIds": ids, "content": TEXT, "chunkDelay": 0, **more}


@pytest.mark.req("S95")
@pytest.mark.req("S33")
def test_a_batch_is_accepted_as_the_requirements_show_it(
    client: Client, alice: User, bob: User, carol: User
) -> None:
    body = {
        "batchId": "batch-001",
        "recipientIds": [str(bob.pk), str(carol.pk)],
        "content": "System announcement",
        "chunkSize": 50,
        "chunkDelay": 100,
    }

    answer = client(alice).post(BATCH, body, format="json")

    row = Batch.objects.get()
    assert answer.status_code == 202
    assert answer["Location"] == f"{V1}/batches/batch-001"
    assert answer.json() == {
        "batchId": "batch-001",
        "jobId": str(row.job_id),
        "links": {
            "self": f"{V1}/batches/batch-001",
            "job": f"{V1}/messages/jobs/{row.job_id}",
            "recipients": f"{V1}/batches/batch-001/recipients",
        },
    }
    assert (row.chunk_size, row.chunk_delay) == (50, 100)


@pytest.mark.req("S95")
def test_chunks_are_of_ten_with_a_tenth_of_a_second_between_them_unless_said(
    client: Client, alice: User, bob: User
) -> None:
    body = {"recipientIds": [str(bob.pk)], "content": TEXT}

    name = client(alice).post(BATCH, body, format="json").json()["batchId"]

    row = Batch.objects.get(batch_id=name)
    assert (row.chunk_size, row.chunk_delay, name) == (10, 100, str(row.pk))


@pytest.mark.req("S98")
@pytest.mark.req("S99")
def test_its_sender_follows_it_and_its_job(
    client: Client, alice: User, bob: User, carol: User
) -> None:
    browser, nobody = client(alice), uuid4()
    answer = browser.post(BATCH, order(bob, nobody, carol, chunkSize=1), format="json").json()
    work_all()

    shown = browser.get(answer["links"]["self"]).json()
    assert (shown["state"], shown["successCount"], shown["failureCount"]) == ("completed", 2, 1)
    assert shown["progress"] == {
        "percentage": 100, "step": "completed", "totalSteps": 3, "currentStep": 3,
    }  # fmt: skip
    assert shown["retryable"] is True and shown["remaining"] == 0
    job = browser.get(answer["links"]["job"]).json()
    assert (job["name"], job["state"], job["priority"]) == ("batch-send", "completed", "LOW")
    assert TEXT not in str(job)
    [found] = browser.get(f"{V1}/batches").json()["data"]
    assert found == shown


def test_its_people_are_listed_in_its_order_a_page_at_a_time(
    client: Client, alice: User, bob: User, carol: User
) -> None:
    browser, nobody = client(alice), uuid4()
    place = browser.post(BATCH, order(carol, nobody, bob), format="json").json()["links"]
    work_all()

    first = browser.get(f"{place['recipients']}?limit=2").json()
    second = browser.get(f"{place['recipients']}?limit=2&cursor={first['nextCursor']}").json()
    failed = browser.get(f"{place['recipients']}?status=failed").json()["data"]

    everybody = first["data"] + second["data"]
    assert [one["recipientId"] for one in everybody] == [
        str(carol.pk), str(nobody), str(bob.pk),
    ]  # fmt: skip
    assert failed == [everybody[1]] and failed[0]["failureReason"] == "not-found"
    assert everybody[0]["messageId"] in {
        str(pk) for pk in Message.objects.values_list("pk", flat=True)
    }
    assert not second["hasMore"]


def test_the_same_request_again_has_one_effect(client: Client, alice: User, bob: User) -> None:
    browser = client(alice)

    named = [browser.post(BATCH, order(bob, batchId="b"), format="json") for _ in range(2)]
    keyed = [
        browser.post(BATCH, order(bob), format="json", HTTP_IDEMPOTENCY_KEY="k") for _ in range(2)
    ]
    other = browser.post(BATCH, order(bob, batchId="b", content="Else"), format="json")

    for pair in (named, keyed):
        assert [answer.status_code for answer in pair] == [202, 202]
        assert pair[0].json() == pair[1].json()
        assert pair[1]["Idempotent-Replayed"] == "true"
    assert (other.status_code, Batch.objects.count()) == (422, 2)


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"chunkSize": 0}, "#/chunkSize"),
        ({"chunkSize": 101}, "#/chunkSize"),
        ({"chunkDelay": 5001}, "#/chunkDelay"),
        ({"batchId": "a/b"}, "#/batchId"),
        ({"priority": "HIGH"}, "#/priority"),
        ({"recipientIds": ["user-002"]}, "#/recipientIds/0"),
        ({"recipientIds": []}, "#/recipientIds"),
        ({"variables": {"user-002": {}}}, "#/variables"),
        ({"variables": {"{bob}": {"name": "Bob"}}}, "#/variables/{bob}/name"),
        ({"variables": {"{bob}": {}}, "content": "Hi {name}"}, "#/variables/{bob}"),
    ],
)
def test_what_does_not_fit_is_pointed_at(
    client: Client, alice: User, bob: User, more: dict[str, Any], pointer: str
) -> None:
    if "variables" in more:
        fitting = {key.format(bob=bob.pk): value for key, value in more["variables"].items()}
        more = more | {"variables": fitting}

    answer = client(alice).post(BATCH, order(bob) | more, format="json")

    assert answer.status_code == 400
    assert pointer.format(bob=bob.pk) in [error["pointer"] for error in answer.json()["errors"]]
    assert not Batch.objects.exists()


def test_ten_thousand_people_with_their_names_are_one_request(client: Client, alice: User) -> None:
    people = [str(uuid4()) for _ in range(10_000)]
    words = {person: {"name": f"Number {n}"} for n, person in enumerate(people)}
    body = {"recipientIds": people, "content": "Hi {name}", "variables": words}

    assert client(alice).post(BATCH, body, format="json").status_code == 202
    more = body | {"recipientIds": [*people, str(uuid4())]}
    assert client(alice).post(BATCH, more, format="json").status_code == 400
    assert Batch.objects.get().total == 10_000


def test_a_batch_is_paused_resumed_retried_and_cancelled(
    client: Client, alice: User, bob: User
) -> None:
    browser, late = client(alice), uuid4()
    place = browser.post(BATCH, order(bob, late), format="json").json()["links"]["self"]

    states = [browser.post(f"{place}/{verb}").json()["state"] for verb in ("pause", "resume")]
    work_all()
    retried = browser.post(f"{place}/retry-failed", {"reason": "she is here now"}, format="json")
    refused = browser.post(f"{place}/resume")
    cancelled = browser.post(f"{place}/cancel").json()

    assert states == ["paused", "running"]
    assert (retried.json()["state"], retried.json()["progress"]["totalSteps"]) == ("running", 1)
    assert (refused.status_code, cancelled["state"]) == (409, "cancelled")
    make_due()
    work_all()
    assert Message.objects.count() == 1


def test_without_encryption_a_sealed_batch_is_503(
    client: Client, alice: User, bob: User, settings: Any
) -> None:
    settings.ENCRYPTION_ENABLED = False

    assert client(alice).post(BATCH, order(bob, encrypted=True), format="json").status_code == 503


def test_mallory_finds_no_batch_of_others(
    client: Client, alice: User, bob: User, eve: User, mallory: User
) -> None:
    client(alice).post(BATCH, order(bob, batchId="b"), format="json")

    for other in (mallory, eve, bob):
        browser = client(other)
        for path in ("", "/recipients"):
            assert browser.get(f"{V1}/batches/b{path}").status_code == 404
        for verb in ("pause", "resume", "cancel", "retry-failed"):
            assert browser.post(f"{V1}/batches/b/{verb}").status_code == 404
        assert browser.get(f"{V1}/batches").json()["data"] == []
    assert client(mallory).post(BATCH, order(bob, batchId="b"), format="json").status_code == 202
    work_all()
    assert not Message.objects.filter(tenant_id=mallory.tenant_id).exists()
