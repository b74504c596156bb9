"""Runs of cleanup: asked for, worked chunk by chunk, written down."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client as Browser

from messaging.errors import Invalid
from messaging.models import AuditEvent, CleanupRun, Message, User
from messaging.retention import cleanup
from messaging.retention.registry import registered
from queueing import periodic
from queueing.models import Job, ScheduledRun
from queueing.queues import CLEANUP
from queueing.testing import make_due, work_all
from tests.messaging.retention.conftest import Past

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.req("S37")
@pytest.mark.req("S34")
def test_a_run_is_a_cleanup_messages_job_that_ends_with_its_counts(past: Past) -> None:
    past(91)
    past(1)

    run = cleanup.start("old_messages")
    work_all([CLEANUP])

    run.refresh_from_db()
    job = Job.objects.get(pk=run.job_id)
    assert (run.outcome, run.examined, run.cleaned, run.dry) == ("finished", 2, 1, False)
    assert (job.kind, job.queue, job.state) == ("cleanup-messages", CLEANUP.name, "completed")
    assert job.args == {
        "runId": str(run.pk),
        "cleanupType": "old_messages",
        "retentionDays": 90,
        "batchSize": 1000,
        "dryRun": False,
    }
    assert job.result["cleaned"] == 1 and job.result["success"] is True
    actions = AuditEvent.objects.filter(target_id=str(run.pk)).order_by("pk")
    assert list(actions.values_list("action", flat=True)) == ["cleanup.started", "cleanup.finished"]


@pytest.mark.req("D9")
@pytest.mark.req("S106")
def test_a_run_goes_on_until_everything_was_looked_at_a_chunk_at_a_time(past: Past) -> None:
    for _ in range(5):
        past(91)

    run = cleanup.start("old_messages", batch_size=2)
    work_all([CLEANUP])

    run.refresh_from_db()
    assert (run.chunks, run.cleaned, run.examined, run.outcome) == (3, 5, 5, "finished")


@pytest.mark.req("S106")
def test_a_run_whose_time_is_up_leaves_the_rest_to_the_next(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "BUDGET", timedelta())
    past(91)
    past(91)

    first = cleanup.start("old_messages", batch_size=1)
    work_all([CLEANUP])
    second = cleanup.start("old_messages", batch_size=1)
    work_all([CLEANUP])

    runs = CleanupRun.objects.filter(pk__in=[first.pk, second.pk])
    assert set(runs.values_list("outcome", "cleaned")) == {("partial", 1)}
    assert not Message.objects.filter(deleted_at=None).exists()


@pytest.mark.req("S107")
@pytest.mark.parametrize("name", sorted(registered()))
def test_a_dry_run_counts_and_removes_nothing(past: Past, name: str) -> None:
    past(400, deleted=300 if name == "deleted_messages" else None)
    before = list(Message.objects.values())

    run = cleanup.start(name, dry=True)
    work_all([CLEANUP])

    run.refresh_from_db()
    assert (run.dry, run.outcome, run.cleaned) == (True, "finished", name != "orphaned_messages")
    assert list(Message.objects.values()) == before
    result = Job.objects.get(pk=run.job_id).result
    assert result["wouldClean"] == run.cleaned and "cleaned" not in result


def test_two_runs_of_one_strategy_do_not_work_at_once(past: Past) -> None:
    past(91)
    run = cleanup.start("old_messages")
    other = connection.copy()
    try:
        other.ensure_connection()
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(cleanup.LOCK, {"name": "old_messages"})
            work_all([CLEANUP])
            run.refresh_from_db()
            assert run.chunks == 0
            cursor.execute("ROLLBACK")
    finally:
        other.close()

    make_due()
    work_all([CLEANUP])
    run.refresh_from_db()
    assert run.cleaned == 1


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"strategy": "everything"}, "/cleanupType"),
        ({"retention_days": 0}, "/retentionDays"),
        ({"retention_days": 3651}, "/retentionDays"),
        ({"batch_size": 0}, "/batchSize"),
        ({"batch_size": 1001}, "/batchSize"),
    ],
)
def test_a_run_out_of_bounds_is_refused(options: dict[str, object], pointer: str) -> None:
    with pytest.raises(Invalid) as refusal:
        cleanup.start(**{"strategy": "old_messages", **options})

    assert refusal.value.pointer == pointer
    assert not CleanupRun.objects.exists()


def test_a_run_whose_job_is_a_dead_letter_says_so_and_goes_on_after_a_retry(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    from queueing import control

    past(91)
    run = cleanup.start("old_messages")
    with monkeypatch.context() as patch:
        patch.setattr(cleanup, "_chunk", lambda run: 1 / 0)
        for _ in range(CLEANUP.attempts):
            make_due()
            work_all([CLEANUP])
    run.refresh_from_db()
    assert run.outcome == "failed"

    control.retry(run.job_id)
    work_all([CLEANUP])

    run.refresh_from_db()
    assert (run.outcome, run.cleaned) == ("finished", 1)


def test_a_job_whose_run_is_gone_dies_at_once() -> None:
    told = {"cleanupType": "old_messages", "retentionDays": 90, "batchSize": 10, "dryRun": False}
    cleanup.clean.enqueue(tenant_id=uuid4(), args={"runId": uuid4(), **told})

    assert work_all([CLEANUP])["dead"] == 1


@pytest.mark.req("S108")
def test_each_strategy_starts_by_the_clock_once_a_window(past: Past) -> None:
    from config.schedule import SCHEDULE

    past(91)
    names = {f"cleanup.{name}" for name in registered()}
    assert names == {line.name for line in SCHEDULE if line.name.startswith("cleanup.")}
    window = past().created_at

    assert [periodic.run("cleanup.old_messages", window) for _ in range(2)] == [True, False]
    work_all([CLEANUP])

    run = CleanupRun.objects.get()
    assert (run.strategy, run.cleaned) == ("old_messages", 1)
    assert ScheduledRun.objects.get().result == {"runId": str(run.pk), "jobId": str(run.job_id)}


@pytest.mark.req("S107")
def test_the_command_counts_or_begins(past: Past, capsys: pytest.CaptureFixture[str]) -> None:
    past(91)

    call_command("cleanup", "old_messages", "--dry-run")
    assert "1 of 1 messages would go." in capsys.readouterr().out
    assert not CleanupRun.objects.exists()

    call_command("cleanup", "old_messages", "--days=90", "--reason=storage")
    assert str(CleanupRun.objects.get(reason="storage").pk) in capsys.readouterr().out

    with pytest.raises(CommandError):
        call_command("cleanup", "old_messages", "--days=0")


RUN = "/admin/messaging/cleanuprun/run/"


def browser_of(user: User) -> Browser:
    browser = Browser()
    browser.force_login(user)
    return browser


@pytest.mark.parametrize(("button", "dry"), [("run", False), ("dry", True)])
def test_an_operator_begins_a_run_in_the_admin_with_a_reason(
    operator: User, button: str, dry: bool
) -> None:
    User.objects.filter(pk=operator.pk).update(is_superuser=True)
    browser = browser_of(operator)
    form = {"strategy": "old_messages", "batch_size": "500", "retention_days": "", button: "1"}

    assert b"This field is required" in browser.post(RUN, form).content
    answer = browser.post(RUN, form | {"reason": "the disk is full"}, follow=True)

    run = CleanupRun.objects.get()
    assert (run.dry, run.reason, run.actor_id, run.batch_size) == (
        dry, "the disk is full", operator.pk, 500,
    )  # fmt: skip
    assert b"has begun" in answer.content and b"Run now or dry run" in answer.content


def test_nobody_but_operators_of_all_tenants_begins_a_run(operator: User, mallory: User) -> None:
    User.objects.filter(pk=mallory.pk).update(is_staff=True, is_superuser=True)

    assert browser_of(operator).get(RUN).status_code == 403  # no permission
    assert browser_of(mallory).get(RUN).status_code == 403
    page = browser_of(mallory).get("/admin/messaging/cleanuprun/")
    assert page.status_code == 200 and b"Run now" not in page.content
