"""The ledger beside a model of it, under whatever order of events hypothesis comes up with."""

import math
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from queueing import claims, control, leases
from queueing.errors import JobStateConflict, Permanent, Snooze, Transient
from queueing.executor import drain
from queueing.ids import job_of, new_run, run_of
from queueing.jobs import Batch
from queueing.models import Job, LaneControl
from queueing.postgres import execute
from queueing.queues import DELIVERY, ENCRYPTION, INDEXING, NOTIFICATION, Queue
from queueing.testing import make_due
from queueing.verdicts import DEADLY_CRASHES
from tests.queueing.kinds import STEPS, TENANT, WALK, script

LANES = dict(zip(STEPS, (ENCRYPTION, DELIVERY, NOTIFICATION, INDEXING), strict=True))
POSITIONS = dict(zip(STEPS, (0, 1, 2, 2), strict=True))
UNFINISHED = {"blocked", "waiting"}
ERRORS: dict[str, Exception] = {
    "transient": Transient(),
    "permanent": Permanent(),
    "snooze": Snooze(5),
}
outcomes = st.sampled_from(["done", "done", "transient", "permanent", "snooze"])
lanes = st.sampled_from(list(LANES.values()))


@dataclass
class Model:
    """A job as it should be."""

    queue: Queue
    position: int
    state: str
    due: bool = True
    attempts: int = 0
    base: int = 0
    crashes: int = 0
    deferrals: int = 0
    generation: int = 0

    @property
    def row(self) -> tuple[object, ...]:
        return (
            self.state,
            self.attempts,
            self.base,
            self.crashes,
            self.deferrals,
            self.generation,
        )


class Ledger(RuleBasedStateMachine):
    """What can happen to jobs."""

    def __init__(self) -> None:
        super().__init__()
        execute("DELETE FROM job_attempts")
        execute("DELETE FROM jobs")
        LaneControl.objects.all().delete()
        self.jobs: dict[UUID, Model] = {}
        self.paused: set[Queue] = set()

    @rule(steps=st.sets(st.sampled_from(STEPS), min_size=1))
    def start(self, steps: set[str]) -> None:
        run = new_run()
        WALK.start(run, steps=steps, tenant_id=TENANT, args={})
        first = min(POSITIONS[step] for step in steps)
        for number, step in enumerate(STEPS, start=1):
            if step in steps:
                state = "waiting" if POSITIONS[step] == first else "blocked"
                self.jobs[job_of(run, number)] = Model(LANES[step], POSITIONS[step], state)

    @rule()
    def wait(self) -> None:
        make_due()
        for job in self.jobs.values():
            job.due = True

    @rule(queue=lanes, data=st.data())
    def work(self, queue: Queue, data: Any) -> None:
        plan = {id_: data.draw(outcomes) for id_ in self.ready(queue)}

        def run(batch: Batch) -> None:
            for job in batch:
                if plan[job.id] != "done":
                    batch.fail(job, ERRORS[plan[job.id]])

        with script.doing(run):
            while drain(queue, threads=1, budget=math.inf).worked:
                pass
        for id_, outcome in plan.items():
            getattr(self, f"expect_{outcome}")(id_, self.jobs[id_])

    @rule(queue=lanes)
    def crash(self, queue: Queue) -> None:
        taken = claims.take(queue).jobs or claims.take_crashed(queue).jobs
        execute("UPDATE jobs SET lease_until = now() - interval '1 s' WHERE state = 'active'")
        assert leases.free() == len(taken)
        ready = self.ready(queue)
        assert {job.id for job in taken} <= ready and bool(taken) == bool(ready)
        for job in taken:
            model = self.jobs[job.id]
            model.crashes += 1
            model.state = "failed" if model.crashes >= DEADLY_CRASHES else "waiting"

    @rule(data=st.data(), verb=st.sampled_from(["retry", "cancel", "discard"]))
    def command(self, data: Any, verb: str) -> None:
        if not self.jobs:
            return
        id_ = data.draw(st.sampled_from(sorted(self.jobs)))
        model = self.jobs[id_]
        allowed = model.state in (UNFINISHED if verb == "cancel" else {"failed"})
        try:
            getattr(control, verb)(id_)
            assert allowed
        except JobStateConflict:
            assert not allowed
            return
        if verb == "retry":
            model.state, model.due, model.crashes = "waiting", True, 0
            model.base, model.generation = model.attempts, model.generation + 1
        else:
            model.state = "cancelled"
            self.cancel_after(id_, model)

    @rule(queue=lanes)
    def toggle_pause(self, queue: Queue) -> None:
        if queue in self.paused:
            control.resume(queue)
        else:
            control.pause(queue)
        self.paused ^= {queue}

    @invariant()
    def the_rows_are_as_they_should_be(self) -> None:
        rows = {
            id_: tuple(rest)
            for id_, *rest in Job.objects.values_list(
                "id", "state", "attempts", "attempts_base", "crashes", "deferrals", "generation"
            )
        }
        assert rows == {id_: model.row for id_, model in self.jobs.items()}

    def ready(self, queue: Queue) -> set[UUID]:
        """What a worker may take."""
        if queue in self.paused:
            return set()
        return {
            id_
            for id_, job in self.jobs.items()
            if job.queue is queue and job.state == "waiting" and job.due
        }

    def expect_done(self, id_: UUID, model: Model) -> None:
        model.state, model.attempts = "completed", model.attempts + 1
        blocked = [job for job in self.after(id_, model) if job.state == "blocked"]
        for job in blocked:
            if job.position == min(each.position for each in blocked):
                job.state = "waiting"

    def expect_transient(self, id_: UUID, model: Model) -> None:
        model.attempts += 1
        model.due = False
        if model.attempts - model.base >= model.queue.attempts:
            model.state = "failed"

    def expect_permanent(self, id_: UUID, model: Model) -> None:
        model.attempts += 1
        model.state = "failed"

    def expect_snooze(self, id_: UUID, model: Model) -> None:
        model.deferrals += 1
        model.due = False

    def cancel_after(self, id_: UUID, model: Model) -> None:
        for job in self.after(id_, model):
            if job.state == "blocked":
                job.state = "cancelled"

    def after(self, id_: UUID, model: Model) -> list[Model]:
        """The jobs of the same run that stand later."""
        return [
            job
            for other, job in self.jobs.items()
            if run_of(other) == run_of(id_) and job.position > model.position
        ]


@pytest.mark.django_db
@pytest.mark.usefixtures("operator", "script")
def test_the_ledger_does_what_its_model_does() -> None:
    limits = settings(max_examples=20, stateful_step_count=20, deadline=None)
    run_state_machine_as_test(Ledger, settings=limits)
