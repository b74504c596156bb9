"""Every endpoint that is required answers, under every one of its addresses, with its shape."""

from typing import Any

import pytest

from messaging.models import User
from queueing.models import Job
from queueing.queues import QUEUES
from tests.messaging.api.conftest import Client
from tests.messaging.api.required import fit
from tests.messaging.api.required.scene import BOTH, EITHER, JOBS, Dead, names

COUNTERS = ("waiting", "active", "completed", "failed", "delayed", "paused")
WORST = ("unhealthy", "degraded", "paused", "healthy")


@BOTH
@pytest.mark.req("S112", "S121")
@pytest.mark.parametrize(
    ("more", "left_out"),
    [
        ({"encrypted": True}, set()),
        ({"encrypted": False}, {"encryption"}),
        ({"encrypted": True, "notify": False, "index": False}, {"notification", "indexing"}),
        (
            {
                "encrypted": True, "priority": "CRITICAL", "urgent": True, "clientMessageId": "c-1",
                "metadata": {"ward": "3"},
            },
            set(),
        ),
    ],
)  # fmt: skip
def test_a_direct_message_answers_b(
    client: Client, alice: User, bob: User, prefix: str, more: dict[str, Any], left_out: set[str]
) -> None:
    body = {"recipientId": str(bob.pk), "content": "Test encrypted message"} | more

    answer = client(alice).post(f"{prefix}/messages/direct", body, format="json")

    assert answer.status_code == 202
    fit("b-accepted", answer.json())
    ids, links = answer.json()["queue"]["jobIds"], answer.json()["links"]
    assert {step for step, id in ids.items() if id is None} == left_out
    for step, id in ids.items():
        assert links["jobs"][step] == (id and f"/api/v1/messages/jobs/{id}")
    assert links["self"].endswith(answer.json()["message"]["id"])
    assert client(alice).get(links["self"]).status_code == 200


@BOTH
@pytest.mark.req("S113", "S121")
def test_a_group_message_answers_b(client: Client, alice: User, room: str, prefix: str) -> None:
    body = {"conversationId": room, "content": "Hello", "encrypted": True}

    answer = client(alice).post(f"{prefix}/messages/group", body, format="json")

    assert answer.status_code == 202
    fit("b-accepted", answer.json())
    assert answer.json()["message"]["conversationId"] == room


@BOTH
@pytest.mark.req("S95")
def test_a_batch_is_answered_with_its_name_its_job_and_links(
    client: Client, alice: User, bob: User, prefix: str
) -> None:
    named = {
        "batchId": "batch-001", "recipientIds": [str(bob.pk)], "content": "System announcement",
        "chunkSize": 50, "chunkDelay": 100,
    }  # fmt: skip
    unnamed = {"recipientIds": [str(bob.pk)], "content": "System announcement"}
    browser = client(alice)

    for body in (named, unnamed):
        answer = browser.post(f"{prefix}/messages/batch", body, format="json")
        assert answer.status_code == 202
        fit("d-batch", answer.json())
        assert body.get("batchId", answer.json()["batchId"]) == answer.json()["batchId"]
        assert all(browser.get(link).status_code == 200 for link in answer.json()["links"].values())
        job = browser.get(answer.json()["links"]["job"]).json()
        fit("j-job", job)
        assert job["data"]["batchId"] == answer.json()["batchId"]


@BOTH
@EITHER
@pytest.mark.req("S114", "S124", "S125")
def test_metrics_answer_e_and_f(
    client: Client, bob: User, sent: dict[str, Any], dead: Dead, prefix: str, form: str
) -> None:
    dead()

    whole = client(bob).get(f"{prefix}{form}/metrics")
    flat = client(bob).get(f"{prefix}{form}/metrics?shape=flat")

    assert (whole.status_code, flat.status_code) == (200, 200)
    fit("e-metrics", whole.json())
    fit("f-flat-metrics", flat.json())
    queues, totals = whole.json()["queues"], whole.json()["totals"]
    assert {key: found["name"] for key, found in queues.items()} == {
        queue.key: queue.name for queue in QUEUES
    }
    assert totals == {name: sum(each[name] for each in queues.values()) for name in COUNTERS}
    assert totals["completed"] > 0 and queues["MESSAGE_DELIVERY"]["failed"] == 3
    assert flat.json() == {
        key: {name: found[name] for name in COUNTERS[:4]} for key, found in queues.items()
    }


@BOTH
@EITHER
@pytest.mark.req("S115", "S126")
def test_health_of_a_queue_answers_g_by_each_of_its_names(
    client: Client, bob: User, sent: dict[str, Any], prefix: str, form: str
) -> None:
    browser = client(bob)

    for queue in QUEUES:
        for name in names(queue):
            answer = browser.get(f"{prefix}{form}/{name}/health")
            assert answer.status_code == 200, answer.content
            fit("g-health", answer.json())
            assert (answer.json()["queue"], answer.json()["key"]) == (queue.name, queue.key)


@BOTH
@EITHER
@pytest.mark.req("S116", "S126")
def test_health_of_all_queues_is_that_of_the_worst(
    client: Client, bob: User, sent: dict[str, Any], prefix: str, form: str
) -> None:
    answer = client(bob).get(f"{prefix}{form}/health")

    assert answer.status_code == 200
    fit("g-all-health", answer.json())
    found = answer.json()["queues"]
    assert answer.json()["status"] == min((q["status"] for q in found.values()), key=WORST.index)
    assert all(key == each["key"] for key, each in found.items())


@BOTH
@EITHER
@pytest.mark.req("S117", "D13")
def test_dead_letters_answer_h_to_staff_only(
    client: Client, alice: User, staff: User, dead: Dead, prefix: str, form: str
) -> None:
    job_id = dead()

    for name in names(QUEUES[0]):
        url = f"{prefix}{form}/{name}/failed"
        answer = client(staff).get(url)
        assert answer.status_code == 200
        fit("h-failed", answer.json())
        assert job_id in [row["jobId"] for row in answer.json()["data"]]
        assert "canary" not in answer.content.decode()
        pages = client(staff).get(f"{url}?limit=2").json()
        fit("h-failed", pages)
        rest = client(staff).get(f"{url}?limit=2&cursor={pages['nextCursor']}").json()
        fit("h-failed", rest)
        assert pages["data"] + rest["data"] == answer.json()["data"]
        assert client(alice).get(url).status_code == 403


@BOTH
@EITHER
@pytest.mark.req("S118")
@pytest.mark.parametrize("body", [{}, {"reason": "she is back"}])
def test_a_retry_in_its_queue_answers_i(
    client: Client, staff: User, dead: Dead, prefix: str, form: str, body: dict[str, str]
) -> None:
    for name in names(QUEUES[0]):
        job_id = dead()
        url = f"{prefix}{form}/{name}/failed/{job_id}/retry"
        answer = client(staff).post(url, body, format="json")
        assert answer.status_code == 202, answer.content
        fit("i-retried", answer.json())
        assert answer.json()["jobId"] == job_id
        assert answer.json()["maxAttempts"] > answer.json()["attempts"]
        again = client(staff).post(url, body, format="json")
        assert (again.status_code, again.json()["type"]) == (409, "/problems/job-state")


@BOTH
@JOBS
@pytest.mark.req("S120")
@pytest.mark.parametrize("body", [{}, {"reason": "she is back"}])
def test_a_retry_of_a_job_answers_i(
    client: Client, alice: User, dead: Dead, prefix: str, form: str, body: dict[str, str]
) -> None:
    url = f"{prefix}{form}/{dead()}/retry"

    answer = client(alice).post(url, body, format="json")
    again = client(alice).post(url, body, format="json")

    assert answer.status_code == 202
    fit("i-retried", answer.json())
    assert (again.status_code, again.json()["type"]) == (409, "/problems/job-state")


@BOTH
@JOBS
@pytest.mark.req("S119", "S123", "S36", "S37")
def test_every_job_answers_j_in_every_state(
    client: Client, alice: User, bob: User, staff: User, sent: dict[str, Any], dead: Dead,
    prefix: str, form: str,
) -> None:  # fmt: skip
    order = {"recipientIds": [str(bob.pk)], "content": "A canary sings"}
    client(alice).post("/api/v1/messages/batch", order, format="json")
    letter = dead()
    client(alice).post("/api/v1/messages/batch", order, format="json")

    found = {}
    for job in Job.objects.filter(tenant_id=alice.tenant_id):
        answer = client(staff).get(f"{prefix}{form}/{job.pk}")
        assert answer.status_code == 200
        fit("j-job", answer.json())
        assert "canary" not in answer.content.decode()
        found[answer.json()["jobId"]] = answer.json()

    assert {one["state"] for one in found.values()} >= {"waiting", "blocked", "completed", "failed"}
    assert {one["name"] for one in found.values()} >= {
        "send-message", "send-notification", "encrypt-decrypt", "index-message", "batch-send",
        "plan-notifications",
    }  # fmt: skip
    assert found[letter]["error"] == {"code": "sender-left", "title": "sender-left"}
    done = found[sent["queue"]["jobIds"]["delivery"]]
    assert (done["state"], done["messageId"]) == ("completed", sent["message"]["id"])
    own = client(alice).get(f"{prefix}{form}/{done['jobId']}").json()
    assert own == done


@BOTH
@pytest.mark.req("S75")
def test_a_delivery_has_its_row(
    client: Client, alice: User, bob: User, sent: dict[str, Any], prefix: str
) -> None:
    message = sent["message"]
    for seq, status in ((0, "SENT"), (message["seq"], "READ")):
        if seq:
            read = f"{prefix}/conversations/{message['conversationId']}/read"
            assert client(bob).put(read, {"seq": seq}, format="json").status_code < 300
        answer = client(alice).get(f"{prefix}/messages/{message['id']}/deliveries").json()
        [row] = answer["data"]
        fit("delivery", row)
        assert (row["status"], row["recipientId"]) == (status, str(bob.pk))
        assert row["metadata"] == {
            "jobId": sent["queue"]["jobIds"]["delivery"], "attempts": 1, "encrypted": True,
        }  # fmt: skip
