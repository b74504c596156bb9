"""What a job is told: validated when it is enqueued, described when somebody asks (S38)."""

from collections.abc import Mapping, Sequence
from typing import Literal
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from queueing import progress
from queueing.api import rendering
from queueing.errors import ArgsInvalid
from queueing.jobs import Args, Batch, Facts, Told, job
from queueing.models import Job
from queueing.queues import INDEXING
from queueing.testing import work_all
from queueing.workflow import Step, Workflow

pytestmark = pytest.mark.django_db(transaction=True)

seen: list["Sorting"] = []


class Sorting(Args, frozen=True):
    """What is to be sorted, and how."""

    item_id: UUID
    operation: Literal["up", "down"] = "up"


def describe(jobs: Sequence[Told]) -> Mapping[UUID, Facts]:
    return {job.id: {**job.args, "jobs": len(jobs)} for job in jobs}


@job(
    queue=INDEXING,
    name="test-sorting",
    args=Sorting,
    describe=describe,
    steps=("looking", "sorting", "complete"),
)
def sort(batch: Batch) -> None:
    seen.extend(Sorting.of(job) for job in batch)


def enqueue(**args: object) -> Job:
    with transaction.atomic():
        id_ = sort.enqueue(tenant_id=uuid4(), args=args)
    return Job.objects.get(pk=id_)


@pytest.mark.req("S38")
@pytest.mark.parametrize(
    ("args", "field"),
    [
        ({}, "itemId"),
        ({"itemId": "x"}, "itemId"),
        ({"itemId": 7}, "itemId"),
        ({"itemId": str(uuid4()), "operation": "sideways"}, "operation"),
        ({"itemId": str(uuid4()), "content": "a canary"}, "content"),
    ],
)
def test_what_a_kind_does_not_take_is_refused_when_it_is_enqueued(
    args: dict[str, object], field: str
) -> None:
    with pytest.raises(ArgsInvalid, match=f"test-sorting: .*{field}") as refused:
        enqueue(**args)

    assert "canary" not in str(refused.value)
    assert not Job.objects.exists()


def test_a_job_reads_what_it_was_told_in_its_types() -> None:
    item = uuid4()
    seen.clear()

    assert enqueue(itemId=item).args == {"itemId": str(item)}
    enqueue(itemId=str(item), operation="down")
    work_all()

    assert seen == [Sorting(item_id=item), Sorting(item_id=item, operation="down")]


def test_steps_of_a_run_are_told_what_each_alone_needs() -> None:
    from queueing.ids import new_run

    walk = Workflow("sorting", Step("first", sort, 0, True), Step("second", sort, 1, True))
    with transaction.atomic():
        ids = walk.start(
            new_run(),
            steps={"first", "second"},
            tenant_id=uuid4(),
            args={"itemId": uuid4()},
            by_step={"second": {"operation": "down"}},
        )

    jobs = Job.objects.in_bulk([id_ for id_ in ids.values() if id_])
    assert [jobs[id_].args.get("operation") for id_ in sorted(jobs)] == [None, "down"]


def test_who_asks_for_jobs_learns_what_they_are_about_from_their_kind() -> None:
    jobs = [enqueue(itemId=uuid4()) for _ in range(2)]

    data = rendering.described(jobs)

    assert [data[job.id]["jobs"] for job in jobs] == [2, 2]
    assert rendering.whole(jobs[0])["data"]["itemId"] == jobs[0].args["itemId"]


@pytest.mark.req("S36")
@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("waiting", (0, "waiting", 0)),
        ("active", (50, "sorting", 2)),
        ("completed", (100, "complete", 3)),
    ],
)
def test_every_job_tells_its_progress_in_steps(state: str, told: tuple[int, str, int]) -> None:
    row = Job(kind="test-sorting", state=state)

    found = progress.of(row)

    assert (found["percentage"], found["step"], found["currentStep"]) == told
    assert found["totalSteps"] == 3


@pytest.mark.req("S37")
def test_a_completed_job_shows_its_result() -> None:
    row = enqueue(itemId=uuid4())
    work_all()

    row.refresh_from_db()
    assert rendering.whole(row)["result"] == {"success": True}
