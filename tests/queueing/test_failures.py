"""Dead letters by cause: in the service, over REST, in the admin."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from rest_framework.test import APIClient

from messaging.models import User
from queueing import failures
from queueing.errors import Permanent
from queueing.executor import drain
from queueing.jobs import Batch
from queueing.models import Job
from queueing.queues import DELIVERY, INDEXING
from tests.queueing.kinds import OTHER, PROBE, PROBES, TENANT, Script, new

pytestmark = [pytest.mark.django_db, pytest.mark.req("S127")]
ADDRESS = "/api/v1/messages/queue/delivery/failures"
PAGE = "/admin/queueing/job/failures/"


def no_number(batch: Batch) -> None:
    raise Permanent("nobody has this number", code="no-recipient")


def fail(
    script: Script, run: Callable[[Batch], None], kind: Any, count: int, **fields: Any
) -> None:
    """Let so many jobs of *kind* become dead letters."""
    script.run = run
    kind.enqueue_many([new(**fields) for _ in range(count)])
    drain(kind.queue)
    script.forget()


@pytest.fixture
def causes(script: Script, alice: User) -> None:
    """Three dead letters of alice's clinic for one cause, one for another, one elsewhere."""
    fail(script, no_number, PROBE, 3, tenant_id=alice.tenant_id)
    fail(script, no_number, OTHER, 1, tenant_id=alice.tenant_id)
    fail(script, no_number, PROBES[INDEXING.name], 1)


def browser(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def staff(user: User, *permissions: str) -> User:
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def in_admin(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_the_dead_letters_of_one_cause_are_one_line(causes: None) -> None:
    found = failures.of(Job.objects.all())

    assert [(one.queue, one.kind, one.code, one.count) for one in found] == [
        (DELIVERY, "probe-delivery", "no-recipient", 3),
        (INDEXING, "probe-indexing", "no-recipient", 1),
        (DELIVERY, "probe-other", "no-recipient", 1),
    ]
    assert len({one.fingerprint for one in found}) == 3
    first = found[0]
    newest = Job.objects.filter(kind="probe-delivery").order_by("-id").first()
    assert newest is not None and first.job_id == newest.id
    assert first.first <= first.last and first.title == "nobody has this number"
    assert "no_number" in first.location


def test_errors_that_are_not_ours_are_told_by_class_only(script: Script) -> None:
    PROBE.enqueue(tenant_id=TENANT, args={})
    for _ in range(DELIVERY.attempts):
        Job.objects.update(run_at="2026-01-01T00:00:00Z")
        with script.doing(lambda batch: int("a canary of the patient")):
            drain(DELIVERY)

    [found] = failures.of(Job.objects.all())

    assert (found.code, found.title) == ("ValueError", "ValueError")


def test_what_goes_well_or_still_may_is_no_failure(script: Script) -> None:
    PROBE.enqueue_many([new() for _ in range(2)])
    drain(DELIVERY)
    PROBE.enqueue_many([new()])

    assert failures.of(Job.objects.all()) == []


@pytest.mark.parametrize("prefix", ["/api/v1/messages/", "/api/v1/", "/api/messages/", "/api/"])
def test_staff_reads_the_causes_of_a_queue(prefix: str, causes: None, alice: User) -> None:
    answer = browser(staff(alice)).get(f"{prefix}queue/MESSAGE_DELIVERY/failures?limit=1")

    body = answer.json()
    assert (body["queue"], body["key"], body["total"]) == (
        "message-delivery",
        "MESSAGE_DELIVERY",
        4,
    )
    [row] = body["data"]
    assert row.keys() == {
        "fingerprint", "code", "title", "name", "location", "count", "firstFailedAt",
        "lastFailedAt", "jobId",
    }  # fmt: skip
    assert (row["code"], row["count"], row["name"]) == ("no-recipient", 3, "probe-delivery")


def test_only_staff_may_and_only_of_its_own_tenant(
    causes: None, alice: User, mallory: User, operator: User
) -> None:
    assert browser(alice).get(ADDRESS).status_code == 403
    assert APIClient().get(ADDRESS).status_code == 401

    elsewhere = browser(staff(mallory)).get(ADDRESS).json()
    assert (elsewhere["total"], elsewhere["data"]) == (0, [])
    of_all = browser(operator).get("/api/v1/messages/queue/indexing/failures").json()
    assert of_all["total"] == 1


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "queue=delivery"])
def test_wrong_parameters_are_refused(query: str, operator: User) -> None:
    assert browser(operator).get(f"{ADDRESS}?{query}").status_code == 400
    assert browser(operator).get("/api/v1/queue/nowhere/failures").status_code == 404


def test_the_admin_leads_from_a_cause_to_its_jobs(causes: None, alice: User) -> None:
    admin = in_admin(staff(alice, "view_job"))
    assert (
        'href="/admin/queueing/job/failures/"' in admin.get("/admin/queueing/job/").content.decode()
    )

    page = admin.get(PAGE)

    assert page.status_code == 200
    shown = page.context["failures"]
    assert [failure.count for failure, _ in shown] == [3, 1]  # none of another tenant
    listed = admin.get(shown[0][1])
    assert {row.kind for row in listed.context["cl"].result_list} == {"probe-delivery"}
    assert listed.context["cl"].result_count == 3


def test_the_admins_page_needs_the_permission_to_see_jobs(alice: User, bob: User) -> None:
    assert in_admin(staff(alice)).get(PAGE).status_code == 403
    assert in_admin(bob).get(PAGE).status_code == 302


def test_without_dead_letters_the_page_says_so(operator: User) -> None:
    operator.is_superuser = True
    operator.save()

    assert "no dead letters" in in_admin(operator).get(PAGE).content.decode()
