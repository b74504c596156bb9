"""A job that is worked a chunk at a time: what is committed is progress."""

import pytest

from queueing.errors import Transient
from queueing.jobs import Batch
from queueing.models import Job
from queueing.queues import DELIVERY
from queueing.testing import make_due, work_all
from tests.queueing.kinds import PROBE, TENANT, Script

pytestmark = pytest.mark.django_db(transaction=True)


def test_errors_and_crashes_before_a_chunk_that_was_done_do_not_count(script: Script) -> None:
    job_id = PROBE.enqueue(tenant_id=TENANT, args={})
    turns = iter(["error", "error", "chunk", "error", "error", "chunk", "error", "error", "done"])

    def run(batch: Batch) -> None:
        turn = next(turns)
        if turn == "error":
            raise Transient
        if turn == "chunk":
            batch.again(batch[0])

    script.run = run
    Job.objects.update(crashes=5)
    for _ in range(9):
        make_due()
        work_all([DELIVERY])

    job = Job.objects.get(pk=job_id)
    assert (job.state, job.attempts, job.attempts_base, job.crashes) == ("completed", 7, 4, 0)
