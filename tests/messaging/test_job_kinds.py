"""The seven kinds of jobs under their wire names: what they take, show, do and answer (S25-S37)."""

from uuid import uuid4

import pytest
from django.db import transaction

from messaging import jobs as kinds
from messaging.models import Message, MessageDelivery, Notification, User
from messaging.services import changing, receipts, verifying
from messaging.services.receipts import Receipt
from messaging.services.sending import Draft, send_direct
from messaging.stages.confirm import MOST, confirm
from messaging.stages.encrypt import encrypt
from queueing import registry
from queueing.api import rendering
from queueing.errors import ArgsInvalid
from queueing.models import Job
from queueing.testing import work_all

pytestmark = pytest.mark.django_db(transaction=True)

REQUIRED = {
    "send-message": {
        "messageId",
        "senderId",
        "recipientId",
        "conversationId",
        "requiresEncryption",
        "createdAt",
    },
    "delivery-confirmation": {"recipientId", "status", "at", "failureReason"},
    "encrypt-decrypt": {"messageId", "operation", "algorithm", "createdAt"},
    "index-message": {"messageId", "operation", "senderId", "conversationId", "createdAt"},
}


def send(sender: User, recipient: User, **more: object) -> Message:
    draft = Draft(content="a canary sings", **more)
    answer = send_direct(sender=sender, recipient_id=recipient.pk, draft=draft)
    return Message.objects.get(pk=answer.body["message"]["id"])


def shown(kind: str) -> list[dict[str, object]]:
    return [rendering.whole(job) for job in Job.objects.filter(kind=kind).order_by("id")]


@pytest.mark.req("S35")
def test_a_worker_knows_the_kinds_by_their_wire_names() -> None:
    assert kinds.__all__

    for name in (*REQUIRED, "send-notification", "batch-send", "cleanup-messages"):
        assert registry.find(name), name


@pytest.mark.req("S25")
@pytest.mark.req("S30")
@pytest.mark.req("S27")
@pytest.mark.parametrize("kind", REQUIRED)
def test_a_job_shows_the_fields_of_its_kind_and_no_content(
    alice: User, bob: User, kind: str
) -> None:
    row = send(alice, bob)
    work_all()
    receipts.read(bob, row.conversation_id, 1)
    work_all()

    [job] = shown(kind)

    assert REQUIRED[kind] <= job["data"].keys()
    assert "canary" not in str(job) and "content" not in job["data"]
    assert job["result"]["success"] is True
    assert job["progress"]["percentage"] == 100 and job["progress"]["totalSteps"] == 3
    if kind == "send-message":
        assert job["data"]["recipientId"] == str(bob.pk) and job["result"]["deliveries"] == 1


@pytest.mark.req("S38")
@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("send-message", {"messageId": "x", "conversationId": str(uuid4())}),
        ("send-message", {"messageId": str(uuid4()), "conversationId": str(uuid4()), "content": 1}),
        (
            "encrypt-decrypt",
            {"messageId": str(uuid4()), "conversationId": str(uuid4()), "operation": "guess"},
        ),
        ("index-message", {"conversationId": str(uuid4())}),
        ("delivery-confirmation", {"receipts": [{"recipientIds": []}]}),
        ("batch-send", {"batchId": str(uuid4()), "content": "to all"}),
        ("send-notification", {"notificationId": str(uuid4()), "message": "You have mail"}),
        (
            "cleanup-messages",
            {
                "runId": str(uuid4()),
                "cleanupType": "old_messages",
                "retentionDays": 0,
                "batchSize": 1,
                "dryRun": False,
            },
        ),
        (
            "cleanup-messages",
            {
                "runId": str(uuid4()),
                "cleanupType": "old_messages",
                "retentionDays": 1,
                "batchSize": 1001,
                "dryRun": False,
            },
        ),
    ],
)
def test_a_job_that_is_told_something_else_is_never_enqueued(
    name: str, args: dict[str, object]
) -> None:
    kind = registry.find(name)

    with pytest.raises(ArgsInvalid, match=name), transaction.atomic():
        kind.enqueue(tenant_id=uuid4(), args=args)

    assert not Job.objects.exists()


@pytest.mark.req("S27")
def test_receipts_that_come_together_leave_one_fact_in_the_ledger(
    alice: User, bob: User, carol: User
) -> None:
    first, second = send(alice, bob), send(alice, carol)
    work_all()

    receipts.delivered_many(
        [Receipt(bob.pk, first.conversation_id, 1), Receipt(carol.pk, second.conversation_id, 1)]
    )
    assert set(MessageDelivery.objects.values_list("status", flat=True)) == {"DELIVERED"}
    receipts.delivered_many([Receipt(bob.pk, first.conversation_id, 1)])
    work_all()

    job = Job.objects.get(kind="delivery-confirmation")
    assert job.result == {"success": True, "confirmed": 2, "moved": 0}
    assert job.priority == Job.Priority.LOW and job.owner_id is None


def test_a_confirmation_moves_what_stayed_behind_its_marker(alice: User, bob: User) -> None:
    row = send(alice, bob)
    work_all()
    receipts.read(bob, row.conversation_id, 1)
    MessageDelivery.objects.update(status="SENT", read_at=None)

    work_all()

    assert MessageDelivery.objects.get().status == "READ"
    assert Job.objects.get(kind="delivery-confirmation").result["moved"] == 1


def test_a_large_flush_is_cut_into_jobs_of_a_limited_size() -> None:
    from django.utils import timezone

    from messaging.stages.confirm import Mark, jobs_of

    def mark(people: int) -> Mark:
        return Mark(
            conversation_id=uuid4(),
            recipient_ids=[uuid4() for _ in range(people)],
            after=0,
            seq=1,
            status="READ",
            at=timezone.now(),
        )

    made = jobs_of(uuid4(), [mark(2 * MOST + 1), mark(3), mark(MOST)])

    assert sum(job.weight for job in made) == 3 * MOST + 4
    assert max(job.weight for job in made) <= MOST


@pytest.mark.parametrize(
    ("status", "before", "after", "reason"),
    [
        ("FAILED", "sent", "failed", "30003"),
        ("DELIVERED", "unknown", "sent", ""),
        ("DELIVERED", "sent", "sent", ""),
    ],
)
def test_a_providers_report_settles_its_notification(
    alice: User, bob: User, status: str, before: str, after: str, reason: str
) -> None:
    row = send(alice, bob)
    work_all()
    Notification.objects.filter(channel="email").update(status=before)
    told = Notification.objects.get(channel="email")
    report = {
        "notificationId": told.pk,
        "messageId": row.pk,
        "recipientId": bob.pk,
        "status": status,
        "at": row.created_at,
        "failureReason": reason or None,
    }

    with transaction.atomic():
        confirm.enqueue(tenant_id=row.tenant_id, args={"reports": [report]})
    work_all()

    told.refresh_from_db()
    assert (told.status, told.reason) == (after, reason)
    [job] = shown("delivery-confirmation")
    assert job["data"]["status"] == status and job["data"]["messageId"] == str(row.pk)


@pytest.mark.req("S31")
@pytest.mark.parametrize("harm", [False, True])
def test_a_trial_opens_a_stored_message_and_keeps_only_whether_it_did(
    alice: User, bob: User, operator: User, harm: bool
) -> None:
    row = send(alice, bob, encrypted=True)
    work_all()
    if harm:
        broken = bytes(Message.objects.get().encrypted_content)[:-1] + b"\0"
        Message.objects.update(encrypted_content=broken)

    asked = verifying.verify_message(actor=operator, message_id=row.pk)
    work_all()

    job = Job.objects.get(pk=asked["jobId"])
    assert job.state == "completed" and job.args["operation"] == "decrypt"
    assert job.result["success"] is True and job.result["opens"] is not harm
    assert (job.result["code"] is None) is not harm
    assert "canary" not in str(job.result)


@pytest.mark.req("S32")
def test_each_operation_on_the_index_is_a_job_of_its_own(alice: User, bob: User) -> None:
    row = send(alice, bob)
    work_all()
    changing.edit_message(actor=alice, message_id=row.pk, content="another", versions={1})
    changing.delete_message(actor=alice, message_id=row.pk, versions={2})
    work_all()

    operations = [job["data"]["operation"] for job in shown("index-message")]
    assert operations == ["index", "update", "delete"]


def test_a_kind_is_described_for_many_jobs_with_few_queries(
    alice: User, bob: User, django_assert_max_num_queries
) -> None:
    for _ in range(5):
        send(alice, bob)
    jobs = list(Job.objects.all())

    with django_assert_max_num_queries(6):
        rendering.described(jobs)


def test_a_kind_is_run_by_its_operation_and_not_by_its_company(
    alice: User, bob: User, operator: User
) -> None:
    row = send(alice, bob, encrypted=True)
    verifying.verify_message(actor=operator, message_id=row.pk)
    assert encrypt.name == "encrypt-decrypt"

    work_all()

    found = {job["data"]["operation"]: job["result"] for job in shown("encrypt-decrypt")}
    assert found["encrypt"] == {"success": True}
    assert found["decrypt"]["opens"] is True
