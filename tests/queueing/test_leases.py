"""Taking jobs back from holders that are gone."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from queueing import claims, executor, leases
from queueing.ids import uuid7
from queueing.lanes import Identity
from queueing.models import Job, JobAttempt, QueueMinute
from queueing.postgres import execute
from queueing.queues import DELIVERY, QUEUES
from tests.queueing.kinds import PROBE, TENANT, Script, new

pytestmark = pytest.mark.django_db


@pytest.fixture
def other_backend() -> Iterator[tuple[int, Any]]:
    """The pid and start of another back end in PostgreSQL, which lives as long as the test."""
    database = settings.DATABASES["default"]
    connection.ensure_connection()
    info = connection.connection.info
    with psycopg.connect(
        host=info.host,
        port=info.port,
        user=info.user,
        password=database["PASSWORD"],
        dbname=info.dbname,
        autocommit=True,
    ) as other:
        row = other.execute(
            "select pid, backend_start from pg_stat_activity where pid = pg_backend_pid()"
        ).fetchone()
        assert row is not None
        yield row


def take(count: int = 1) -> list[Any]:
    PROBE.enqueue_many([new() for _ in range(count)])
    return claims.take(DELIVERY).jobs


def test_a_living_holder_keeps_its_jobs() -> None:
    take(3)

    assert leases.free() == 0


def test_another_living_back_end_keeps_its_jobs(other_backend: tuple[int, Any]) -> None:
    take()
    pid, start = other_backend
    Job.objects.update(holder_pid=pid, holder_start=start)

    assert leases.free() == 0


def test_a_holder_that_left_loses_its_jobs(other_backend: tuple[int, Any]) -> None:
    take(3)
    pid, _ = other_backend
    execute("UPDATE jobs SET holder_pid = %(pid)s::int", {"pid": pid})

    assert leases.free() == 3  # the pid lives, but it is not the same back end

    for job in Job.objects.all():
        assert (job.state, job.crashes, job.attempts, job.token) == ("waiting", 1, 0, None)
        assert job.error_class == "worker-lost"
    assert set(JobAttempt.objects.values_list("outcome", "number")) == {("crash", 1)}
    assert QueueMinute.objects.get().crashed == 3


def test_a_lease_that_lapsed_is_taken_back() -> None:
    take()
    execute("UPDATE jobs SET lease_until = now() - interval '1 s'")

    assert leases.free() == 1


def test_a_silent_workers_jobs_are_taken_back() -> None:
    identity = Identity(uuid7(), "hot@here", 2, QUEUES)
    identity.beat()
    take()
    Job.objects.update(worker_id=identity.id)
    assert leases.free() == 0

    execute("UPDATE workers SET seen_at = now() - interval '21 s'")

    assert leases.free() == 1


def test_who_lost_a_job_cannot_complete_it(script: Script) -> None:
    jobs = take(2)
    execute("UPDATE jobs SET lease_until = now() - interval '1 s'")
    leases.free()

    with pytest.raises(executor.LeaseLost), transaction.atomic():
        executor.settlement.complete(jobs, {})
    assert executor.drain(DELIVERY).done == 2


def test_six_crashes_are_deadly(script: Script) -> None:
    PROBE.enqueue(tenant_id=TENANT, args={})
    states = []

    for _ in range(6):
        taken = claims.take(DELIVERY).jobs or claims.take_crashed(DELIVERY).jobs
        assert len(taken) == 1
        execute("UPDATE jobs SET lease_until = now() - interval '1 s'")
        leases.free()
        states.append(Job.objects.get().state)

    assert states == ["waiting"] * 5 + ["failed"]
    job = Job.objects.get()
    assert (job.crashes, job.attempts, job.bad_attempts.count()) == (6, 0, 6)
    assert job.expires_at is not None


def test_a_job_that_is_to_be_cancelled_is_not_tried_again() -> None:
    take()
    Job.objects.update(cancel_requested=True, lease_until=Now())
    execute("UPDATE jobs SET lease_until = now() - interval '1 s'")

    leases.free()

    assert Job.objects.get().state == "cancelled"
