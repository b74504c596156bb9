"""The operators' pages: who sees which jobs, and what is done only with a reason."""

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from messaging.models import AuditEvent, User
from queueing import control, wakeup
from queueing.admin import verbs
from queueing.errors import Permanent, Transient
from queueing.executor import drain
from queueing.ids import job_of, new_run, uuid7
from queueing.jobs import Batch
from queueing.lanes import Identity
from queueing.models import Job, LaneControl, ScheduledRun
from queueing.queues import DELIVERY, QUEUES
from queueing.testing import make_due, work_all
from tests.queueing.kinds import PROBE, WALK, Script, new

pytestmark = pytest.mark.django_db
JOBS = "/admin/queueing/job/"
LANES = "/admin/queueing/lanecontrol/"


@pytest.fixture(autouse=True)
def redis_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakeup, "answers", lambda: True)


@pytest.fixture
def everything(operator: User) -> Client:
    """An operator who may do everything."""
    operator.is_superuser = True
    operator.save()
    client = Client()
    client.force_login(operator)
    return client


@pytest.fixture
def nurse_in_charge(alice: User) -> Callable[..., Client]:
    """Alice as staff of her clinic, with some permissions."""

    def make(*permissions: str) -> Client:
        alice.is_staff = True
        alice.save()
        found = Permission.objects.filter(codename__in=permissions)
        assert found.count() == len(permissions)
        alice.user_permissions.set(found)
        client = Client()
        client.force_login(alice)
        return client

    return make


def fail(batch: Batch) -> None:
    raise Permanent("nobody has this number", code="no-recipient")


@pytest.fixture
def dead(alice: User, script: Script) -> UUID:
    """A dead letter of the clinic's."""
    job_id = PROBE.enqueue(tenant_id=alice.tenant_id, args={"messageId": "m"})
    script.run = fail
    drain(DELIVERY)
    script.forget()
    return job_id


@pytest.mark.req("S130")
def test_the_list_shows_what_one_needs(everything: Client, dead: UUID) -> None:
    page = everything.get(JOBS).content.decode()

    for shown in (str(dead), "state-failed", "probe-delivery", "1/5", "no-recipient"):
        assert shown in page
    assert "job/add/" not in page


@pytest.mark.parametrize(
    ("query", "seen"),
    [
        ("state__exact=failed", True),
        ("state__exact=waiting", False),
        ("queue__exact=message-delivery", True),
        ("error_class=no-recipient", True),
        ("error_class=other", False),
        ("kind=probe-delivery", True),
        ("since=10m", True),
        ("tenant_id={tenant}", True),
        ("tenant_id=00000000-0000-0000-0000-000000000000", False),
        ("tenant_id=nonsense", False),
        ("q={dead}", True),
        ("q=nobody has", True),
        ("q=somebody", False),
        ("q=01900000-0000-7000-8000-000000000000", False),
    ],
)
def test_jobs_are_found(
    query: str, seen: bool, everything: Client, dead: UUID, alice: User
) -> None:
    asked = query.format(dead=dead, tenant=alice.tenant_id)

    page = everything.get(f"{JOBS}?{asked}").content.decode()

    assert (f"/{dead}/change/" in page) == seen


def test_the_jobs_of_a_message_or_a_subject_are_found(everything: Client, alice: User) -> None:
    run, subject = new_run(), uuid7()
    WALK.start(run, steps=("delivery", "indexing"), tenant_id=alice.tenant_id, args={})
    edit = PROBE.enqueue(tenant_id=alice.tenant_id, args={}, subject_id=subject)

    by_run = everything.get(f"{JOBS}?q={run}").content.decode()
    by_subject = everything.get(f"{JOBS}?q={subject}").content.decode()

    assert str(job_of(run, 2)) in by_run and str(job_of(run, 4)) in by_run
    assert str(edit) in by_subject and str(job_of(run, 2)) not in by_subject


def test_a_job_shows_its_error_chain_and_cannot_be_changed(
    everything: Client, alice: User, script: Script
) -> None:
    job_id = PROBE.enqueue(tenant_id=alice.tenant_id, args={})
    errors = iter([Transient("busy", code="provider-busy"), ValueError("canary")])

    def run(batch: Batch) -> None:
        raise next(errors)

    script.run = run
    drain(DELIVERY, task_id="5a1e")
    make_due()
    drain(DELIVERY)

    page = everything.get(f"{JOBS}{job_id}/change/").content.decode()

    assert "provider-busy" in page and "ValueError" in page and "canary" not in page
    assert "task/5a1e" in page
    assert "Save" not in page and "Delete" not in page
    assert "../cancel/" in page and "../retry/" not in page


def test_a_retry_asks_for_a_reason_and_resumes(
    everything: Client, operator: User, dead: UUID, script: Script
) -> None:
    address = f"{JOBS}{dead}/retry/"
    assert "Retry 1 job?" in everything.get(address).content.decode()

    assert everything.post(address, {"reason": " "}).status_code == 200
    assert Job.objects.get().state == "failed"
    answer = everything.post(address, {"reason": "the number is known now"}, follow=True)

    assert "1 retried, 0 skipped" in answer.content.decode()
    assert work_all()["done"] == 1
    event = AuditEvent.objects.get(action="job.retried")
    assert event.actor_id == operator.pk


def select(client: Client, verb: str, *jobs: UUID, **more: str) -> str:
    form = {"action": verb, "_selected_action": [str(job) for job in jobs], "index": "0", **more}
    return client.post(JOBS, form, follow=True).content.decode()


@pytest.mark.req("S13", "S24", "S165")
def test_selected_jobs_are_retried_after_one_question(
    everything: Client, alice: User, dead: UUID
) -> None:
    waiting = PROBE.enqueue(tenant_id=alice.tenant_id, args={})

    page = select(everything, "retry", dead, waiting)
    assert "Retry 1 job?" in page and "<strong>1</strong>" in page
    hidden = re.findall(r'type="hidden" name="_selected_action" value="([^"]+)"', page)
    assert {UUID(value) for value in hidden} == {dead, waiting}
    page = select(everything, "retry", dead, waiting, reason="fixed")

    assert "1 retried, 1 skipped" in page
    assert {job.state for job in Job.objects.all()} == {"waiting"}


@pytest.mark.parametrize(
    ("verb", "state"), [("cancel", "cancelled"), ("discard", "cancelled"), ("retry", "waiting")]
)
def test_each_verb_works_on_one_job(
    verb: str, state: str, everything: Client, alice: User, dead: UUID
) -> None:
    waiting = PROBE.enqueue(tenant_id=alice.tenant_id, args={})
    job_id = waiting if verb == "cancel" else dead

    everything.post(f"{JOBS}{job_id}/{verb}/", {"reason": "so"})

    assert Job.objects.get(id=job_id).state == state


def test_too_many_at_once_are_refused(
    everything: Client, dead: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verbs, "MOST_AT_ONCE", 0)

    assert "too many at once" in select(everything, "retry", dead, reason="x")
    assert Job.objects.get().state == "failed"


def test_staff_of_a_tenant_sees_its_jobs_only(
    nurse_in_charge: Callable[..., Client], dead: UUID
) -> None:
    browser = nurse_in_charge("view_job", "retry_job")
    PROBE.enqueue_many([new()])
    foreign = Job.objects.get(state="waiting").id

    page = browser.get(JOBS).content.decode()

    assert str(dead) in page and str(foreign) not in page
    assert browser.get(f"{JOBS}{foreign}/change/").status_code == 302
    assert browser.post(f"{JOBS}{foreign}/retry/", {"reason": "x"}).status_code == 404
    select(browser, "retry", foreign, reason="x")
    assert browser.post(f"{JOBS}{dead}/retry/", {"reason": "x"}).status_code == 302
    assert Job.objects.get(id=dead).state == "waiting"


def test_each_verb_needs_its_permission(nurse_in_charge: Callable[..., Client], dead: UUID) -> None:
    browser = nurse_in_charge("view_job", "cancel_job")

    assert "../retry/" not in browser.get(f"{JOBS}{dead}/change/").content.decode()
    for verb in ("retry", "discard"):
        assert browser.post(f"{JOBS}{dead}/{verb}/", {"reason": "x"}).status_code == 403
        select(browser, verb, dead, reason="x")
    assert Job.objects.get().state == "failed"


def test_nobody_else_gets_in(bob: User, dead: UUID) -> None:
    browser = Client()
    browser.force_login(bob)

    assert browser.get(JOBS).status_code == 302
    assert browser.post(f"{JOBS}{dead}/retry/", {"reason": "x"}).status_code == 302
    assert Job.objects.get().state == "failed"


@pytest.mark.req("S17", "S130")
def test_a_lane_is_paused_and_resumed_with_a_reason(everything: Client, operator: User) -> None:
    Identity(uuid7(), "all@here", 2, QUEUES).beat()
    assert "Pause…" in everything.get(LANES).content.decode()
    assert everything.post(f"{LANES}delivery/pause/", {}).status_code == 200

    everything.post(f"{LANES}delivery/pause/", {"reason": "upgrade", "minutes": "30"})

    row = LaneControl.objects.get()
    assert (row.queue, row.reason, row.actor_id) == (DELIVERY.name, "upgrade", operator.pk)
    assert row.paused_until is not None
    page = everything.get(LANES).content.decode()
    assert "Resume…" in page and "upgrade" in page and "state-paused" in page
    everything.post(f"{LANES}delivery/resume/", {"reason": "done"})
    assert control.paused_queues() == set()
    assert list(
        AuditEvent.objects.filter(action__startswith="queue.")
        .order_by("id")
        .values_list("action", flat=True)
    ) == [
        "queue.paused",
        "queue.resumed",
    ]


def test_lanes_belong_to_operators(nurse_in_charge: Callable[..., Client]) -> None:
    browser = nurse_in_charge("view_lanecontrol", "pause_queue")

    assert browser.get(LANES).status_code == 403
    assert browser.post(f"{LANES}delivery/pause/", {"reason": "x"}).status_code == 403
    assert not LaneControl.objects.exists()


def test_workers_and_what_ran_by_the_clock_are_shown(everything: Client) -> None:
    Identity(uuid7(), "hot@here", 2, QUEUES).beat()
    ScheduledRun.objects.create(name="prune", window="2026-01-01T00:00:00Z")

    assert "hot@here" in everything.get("/admin/queueing/worker/").content.decode()
    assert "prune" in everything.get("/admin/queueing/scheduledrun/").content.decode()
