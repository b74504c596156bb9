"""The queues over HTTP: who sees what, in which form (S114-S120)."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from rest_framework.test import APIClient

from messaging.models import User
from queueing.errors import Permanent
from queueing.executor import drain
from queueing.ids import new_run
from queueing.jobs import Batch
from queueing.models import Job
from queueing.progress import report
from queueing.queues import DELIVERY, QUEUES
from queueing.testing import work_all
from tests.queueing.kinds import PROBE, WALK, Script

pytestmark = pytest.mark.django_db
PREFIXES = ("/api/v1/messages/", "/api/v1/", "/api/messages/", "/api/")


def browser(user: User | None) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def fail(batch: Batch) -> None:
    raise Permanent("nobody has this number", code="no-recipient")


@pytest.fixture
def message() -> str:
    return str(uuid4())


@pytest.fixture
def job_id(alice: User, message: str) -> UUID:
    return PROBE.enqueue(
        tenant_id=alice.tenant_id, owner_id=alice.pk, args={"messageId": message}, priority=1
    )


@pytest.fixture
def dead(job_id: UUID, script: Script) -> UUID:
    script.run = fail
    drain(DELIVERY)
    script.forget()
    return job_id


@pytest.fixture
def staff(alice: User) -> User:
    alice.is_staff = True
    alice.save()
    return alice


@pytest.mark.req("S119", "S123", "D10")
@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_owner_sees_their_job(prefix: str, alice: User, job_id: UUID, message: str) -> None:
    job = Job.objects.get()

    answer = browser(alice).get(f"{prefix}jobs/{job_id}")

    assert answer.status_code == 200
    assert answer.json() == {
        "jobId": str(job_id),
        "name": "probe-delivery",
        "queueName": "message-delivery",
        "key": "MESSAGE_DELIVERY",
        "priority": "HIGH",
        "state": "waiting",
        "attempts": 0,
        "maxAttempts": 5,
        "messageId": message,
        "data": {"messageId": message},
        "progress": {
            "percentage": 0,
            "step": "waiting",
            "totalSteps": 1,
            "currentStep": 0,
            "data": {},
        },
        "result": None,
        "error": None,
        "createdAt": f"{job.created_at:%Y-%m-%dT%H:%M:%S}.{job.created_at.microsecond // 1000:03}Z",
        "startedAt": None,
        "finishedAt": None,
    }


@pytest.mark.req("S47")
def test_a_completed_job_says_so(alice: User, job_id: UUID, script: Script) -> None:
    work_all()

    found = browser(alice).get(f"/api/v1/messages/jobs/{job_id}").json()

    assert (found["state"], found["attempts"], found["progress"]["percentage"]) == (
        "completed",
        1,
        100,
    )
    assert found["startedAt"] and found["finishedAt"]


@pytest.mark.req("S36", "S39")
def test_progress_is_seen_while_the_job_runs(alice: User, job_id: UUID, script: Script) -> None:
    seen: list[Any] = []

    def run(batch: Batch) -> None:
        report(batch[0], 50, "sending", current_step=2, total_steps=3, data={"sent": 7})
        report(batch[0], 60, "sending", current_step=2, total_steps=3)  # too soon
        seen.append(browser(alice).get(f"/api/v1/messages/jobs/{job_id}").json())

    script.run = run
    work_all()

    assert (seen[0]["state"], seen[0]["attempts"]) == ("active", 1)
    assert seen[0]["progress"] == {
        "percentage": 50,
        "step": "sending",
        "totalSteps": 3,
        "currentStep": 2,
        "data": {"sent": 7},
    }


@pytest.mark.req("S122")
@pytest.mark.parametrize("who", ["bob", "mallory"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_to_others_the_job_is_not_there(
    who: str, method: str, dead: UUID, request: pytest.FixtureRequest
) -> None:
    address = f"/api/v1/messages/jobs/{dead}" + "/retry" * (method == "post")

    assert getattr(browser(request.getfixturevalue(who)), method)(address).status_code == 404
    assert Job.objects.get().state == "failed"


def test_staff_of_another_tenant_sees_nothing(mallory: User, dead: UUID) -> None:
    mallory.is_staff = True
    mallory.save()
    api = browser(mallory)

    assert api.get(f"/api/v1/messages/jobs/{dead}").status_code == 404
    assert api.post(f"/api/v1/queue/delivery/failed/{dead}/retry").status_code == 404
    assert api.get("/api/v1/queue/delivery/failed").json()["data"] == []


def test_operators_see_every_tenants_jobs(operator: User, dead: UUID) -> None:
    api = browser(operator)

    assert api.get(f"/api/v1/messages/jobs/{dead}").status_code == 200
    assert len(api.get("/api/v1/queue/delivery/failed").json()["data"]) == 1


@pytest.mark.req("S13", "S118", "S120")
@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("name", ["delivery", "message-delivery", "MESSAGE_DELIVERY"])
def test_a_dead_letter_is_retried_under_its_id(
    prefix: str, name: str, staff: User, dead: UUID, script: Script
) -> None:
    answer = browser(staff).post(
        f"{prefix}queue/{name}/failed/{dead}/retry", {"reason": "fixed"}, format="json"
    )

    assert answer.status_code == 202
    assert answer.json() == {
        "jobId": str(dead),
        "queueName": "message-delivery",
        "state": "waiting",
        "attempts": 1,
        "maxAttempts": 6,
    }
    work_all()
    assert Job.objects.get().state == "completed"


@pytest.mark.req("S120")
def test_the_owner_may_retry(alice: User, dead: UUID) -> None:
    assert browser(alice).post(f"/api/v1/messages/jobs/{dead}/retry").status_code == 202
    assert browser(alice).post(f"/api/messages/jobs/{dead}/retry").status_code == 409


@pytest.mark.req("S47")
def test_retry_resumes_the_run_at_that_step(alice: User, script: Script) -> None:
    run = new_run()
    ids = WALK.start(
        run,
        steps=("encryption", "delivery", "indexing"),
        tenant_id=alice.tenant_id,
        owner_id=alice.pk,
        args={},
    )
    drain(QUEUES[3])
    script.run = fail
    drain(DELIVERY)
    script.forget()

    browser(alice).post(f"/api/v1/messages/jobs/{ids['delivery']}/retry")
    work_all()

    assert [[job.kind for job in batch] for batch in script.seen] == [
        ["probe-delivery"],
        ["probe-indexing"],
    ]


def test_a_job_is_retried_only_in_its_own_queue(staff: User, dead: UUID) -> None:
    api = browser(staff)

    assert api.post(f"/api/v1/queue/indexing/failed/{dead}/retry").status_code == 404
    assert api.post(f"/api/v1/queue/nowhere/failed/{dead}/retry").status_code == 404


@pytest.mark.parametrize(
    "body", [{"reason": 5}, {"reason": "x" * 501}, {"why": "x"}, ["x"], {"reason": "a\x00b"}]
)
def test_a_retry_with_a_wrong_body_is_refused(body: Any, alice: User, dead: UUID) -> None:
    api = browser(alice)

    answer = api.post(f"/api/v1/messages/jobs/{dead}/retry", body, format="json")

    assert answer.status_code == 400
    assert Job.objects.get().state == "failed"


@pytest.mark.req("S14", "S117", "D13")
def test_dead_letters_are_listed_newest_first(staff: User, script: Script) -> None:
    fields = {"tenant_id": staff.tenant_id, "args": {"messageId": "m", "conversationId": "c"}}
    ids = [str(PROBE.enqueue(**fields)) for _ in range(3)]  # type: ignore[arg-type]
    script.run = fail
    drain(DELIVERY)
    api = browser(staff)

    first = api.get("/api/v1/messages/queue/delivery/failed?limit=2").json()
    rest = api.get(f"/api/v1/queue/delivery/failed?limit=2&cursor={first['nextCursor']}").json()

    found = first["data"] + rest["data"]
    assert [row["jobId"] for row in found] == sorted(ids, reverse=True)
    assert (first["hasMore"], rest["hasMore"], rest["nextCursor"]) == (True, False, None)
    assert found[0] == {
        "jobId": found[0]["jobId"],
        "queueName": "message-delivery",
        "name": "probe-delivery",
        "data": {"messageId": "m", "conversationId": "c"},
        "error": {"code": "no-recipient", "title": "nobody has this number"},
        "attempts": 1,
        "failedAt": found[0]["failedAt"],
        "createdAt": found[0]["createdAt"],
    }


@pytest.mark.req("S117", "D13")
def test_dead_letters_are_listed_for_operators_only(alice: User) -> None:
    assert browser(alice).get("/api/v1/queue/delivery/failed").status_code == 403


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "cursor=x", "page=2"])
def test_a_list_with_wrong_parameters_is_refused(query: str, staff: User) -> None:
    assert browser(staff).get(f"/api/v1/queue/delivery/failed?{query}").status_code == 400


@pytest.mark.req("S114", "S115", "S116", "S124")
@pytest.mark.parametrize("prefix", PREFIXES)
def test_metrics_and_health_are_served(prefix: str, bob: User) -> None:
    api = browser(bob)

    metrics = api.get(f"{prefix}queue/metrics").json()
    assert set(metrics["queues"]) == {queue.key for queue in QUEUES}
    flat = api.get(f"{prefix}queue/metrics?shape=flat").json()
    assert set(flat["BATCH_MESSAGE_SENDING"]) == {"waiting", "active", "completed", "failed"}
    assert api.get(f"{prefix}queue/health").json()["queues"]["MESSAGE_CLEANUP"]["status"]
    assert api.get(f"{prefix}queue/MESSAGE_CLEANUP/health").json()["queue"] == "message-cleanup"


def test_unknown_queues_and_shapes_are_refused(bob: User) -> None:
    api = browser(bob)

    assert api.get("/api/v1/queue/nowhere/health").status_code == 404
    assert api.get("/api/v1/queue/metrics?shape=round").status_code == 400


@pytest.mark.req("S122")
def test_nobody_is_refused(job_id: UUID) -> None:
    for address in (f"jobs/{job_id}", "queue/metrics", "queue/health", "queue/delivery/failed"):
        assert APIClient().get(f"/api/v1/{address}").status_code == 401
