"""Job kinds for workers that are about to be killed: each writes down what it did, once a run.

A run's args say who misbehaves: `poison`: this step raises for ever; `killer`: this step kills its
process; `slow`: this step takes so many seconds; `timeout`: this step never ends.
"""

import os
import signal
import time
from typing import Any

import psycopg
from celery.signals import task_postrun
from django.db import connection

from queueing import tasks
from queueing.errors import Permanent
from queueing.jobs import Batch, Claimed, JobKind, Outcome, job
from queueing.queues import CLEANUP, DELIVERY, ENCRYPTION, INDEXING, NOTIFICATION, Queue
from queueing.workflow import Step, Workflow

WORK = 0.002  # seconds a job, so that kills find somebody at work

if limit := os.environ.get("FAULTS_TIME_LIMIT"):
    for task in tasks.TASKS:
        task.soft_time_limit, task.time_limit = float(limit), float(limit) + 5


@task_postrun.connect
def write_down(task: Any, task_id: str, args: Any, kwargs: Any, retval: Any, **_: Any) -> None:
    """Remember each drain as Celery saw it."""
    if os.environ.get("FAULTS_RECORD_DRAINS"):
        request = task.request
        row = (task.name, task_id, request.root_id, request.parent_id, f"{args}{kwargs}", retval)
        with connection.cursor() as cursor:
            cursor.execute("insert into drains values (%s, %s, %s, %s, %s, %s)", row)


def misbehave(claimed: Claimed, step: str) -> None:
    """Do what the job's args ask for."""
    if claimed.args.get("killer") == step:
        os.kill(os.getpid(), signal.SIGKILL)
    if claimed.args.get("poison") == step:
        raise Permanent(code="poison")
    if claimed.args.get("timeout") == step:
        with connection.cursor() as cursor:  # cut off in the middle of an answer
            cursor.execute("select pg_sleep(50)")
    time.sleep(WORK + float(claimed.args.get("slow", 0)))


def _step(queue: Queue) -> JobKind:
    @job(queue=queue, name=f"fault-{queue.lane}")
    def work(batch: Batch) -> None:
        for claimed in batch:
            misbehave(claimed, queue.lane)
        with connection.cursor() as cursor:
            rows = [(claimed.run_id, queue.lane) for claimed in batch]
            cursor.executemany("insert into effects values (%s, %s)", rows)

    return work


@job(queue=NOTIFICATION, name="fault-call", external=True)
def call(claimed: Claimed) -> Outcome:
    """Call a provider that keeps one of each key, as a provider with idempotency keys does."""
    misbehave(claimed, "call")
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as provider:
        key = str(claimed.run_id)
        provider.execute("insert into calls values (%s)", (key,))
        provider.execute("insert into accepted values (%s) on conflict do nothing", (key,))

    def effect() -> None:
        with connection.cursor() as cursor:
            cursor.execute("insert into effects values (%s, %s)", (claimed.run_id, "notification"))

    return Outcome(effect=effect)


WALK = Workflow(
    "faults",
    Step("encryption", _step(ENCRYPTION), position=0, critical=True),
    Step("delivery", _step(DELIVERY), position=1, critical=True),
    Step("notification", call, position=2, critical=False),
    Step("indexing", _step(INDEXING), position=2, critical=False),
)
STEPS = ("encryption", "delivery", "notification", "indexing")
SINGLE = _step(CLEANUP)
