"""`manage.py queues` and `manage.py jobs`."""

import json
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from queueing import control
from queueing.errors import Permanent
from queueing.executor import drain
from queueing.jobs import Batch
from queueing.models import Job
from queueing.queues import DELIVERY, QUEUES
from tests.queueing.kinds import PROBE, TENANT, Script

pytestmark = pytest.mark.django_db


def manage(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


@pytest.fixture
def dead(script: Script) -> UUID:
    def fail(batch: Batch) -> None:
        raise Permanent("nobody", code="no-recipient")

    script.run = fail
    job_id = PROBE.enqueue(tenant_id=TENANT, args={})
    drain(DELIVERY)
    script.forget()
    return job_id


def test_the_queues_are_listed() -> None:
    lines = manage("queues").splitlines()

    assert [line.split()[0] for line in lines[1:]] == [queue.name for queue in QUEUES]
    assert json.loads(manage("queues", "--json"))["totals"]["waiting"] == 0


@pytest.mark.req("S17")
@pytest.mark.usefixtures("operator")
def test_a_queue_is_paused_and_resumed() -> None:
    with pytest.raises(CommandError, match="why"):
        manage("queues", "pause", "delivery")
    with pytest.raises(CommandError, match="no queue"):
        manage("queues", "pause", "nowhere", "--reason=x")

    manage("queues", "pause", "delivery", "--reason=upgrade", "--minutes=5")
    assert control.paused_queues() == {DELIVERY.name}
    assert "runs again" in manage("queues", "resume", "MESSAGE_DELIVERY", "--reason=done")
    assert "was not paused" in manage("queues", "resume", "delivery", "--reason=done")


def test_jobs_are_listed_and_shown(dead: UUID) -> None:
    assert str(dead) in manage("jobs", "list", "--state=failed", "--queue=delivery")
    assert manage("jobs", "list", "--error=other") == ""
    assert json.loads(manage("jobs", "list", "--json"))[0]["error"] == "no-recipient"
    shown = json.loads(manage("jobs", "show", str(dead)))
    assert (shown["tries"], len(shown["chain"])) == ("1/5", 1)
    assert "no-recipient nobody" in shown["chain"][0]


@pytest.mark.req("S13")
def test_a_dead_letter_is_retried_once(dead: UUID) -> None:
    assert "is waiting" in manage("jobs", "retry", str(dead), "--reason=fixed")
    with pytest.raises(CommandError, match="is waiting"):
        manage("jobs", "retry", str(dead), "--reason=again")
    assert Job.objects.get().generation == 1


def test_a_job_that_is_not_there_is_said_to_be() -> None:
    with pytest.raises(CommandError, match="no job"):
        manage("jobs", "show", "01900000-0000-7000-8000-000000000001")
