"""Steps that run one after another: which ones, in which order, and which of them must succeed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from queueing import routes
from queueing.ids import job_of
from queueing.jobs import NORMAL, JobKind, NewJob, Row, insert


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its *name* in the API, its kind of job, its place in the order."""

    name: str
    kind: JobKind
    position: int
    critical: bool  # whether the steps after it need it done


@dataclass(frozen=True, slots=True)
class Run:
    """One passage through a workflow: which *steps*, and what all its jobs have in common.

    *by_step* is what single steps are told besides.
    """

    run_id: UUID
    steps: Collection[str]
    job: NewJob
    by_step: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


class Workflow:
    """An ordered set of steps; several at one position, and any that may fail, stand last."""

    def __init__(self, name: str, *steps: Step) -> None:
        self.name = name
        self.steps = steps
        self._numbers = {step.name: number for number, step in enumerate(steps, start=1)}
        self._check()
        routes.register(name, [step.kind.queue for step in steps])

    def start(
        self,
        run_id: UUID,
        *,
        steps: Collection[str],
        tenant_id: UUID,
        args: Mapping[str, object],
        by_step: Mapping[str, Mapping[str, object]] | None = None,
        owner_id: UUID | None = None,
        subject_id: UUID | None = None,
        priority: int = NORMAL,
        run_at: datetime | None = None,
        weight: int = 1,
        traceparent: str = "",
    ) -> dict[str, UUID | None]:
        """Write the jobs of *steps*; each step's job id by name, None where not asked for."""
        new = NewJob(
            tenant_id=tenant_id,
            args=args,
            subject_id=subject_id,
            owner_id=owner_id,
            priority=priority,
            run_at=run_at,
            weight=weight,
            traceparent=traceparent,
        )
        return self.start_many([Run(run_id, steps, new, by_step or {})])[0]

    def start_many(self, runs: Sequence[Run]) -> list[dict[str, UUID | None]]:
        """Write the jobs of many *runs* with one statement; their job ids as `start` gives them."""
        ids = [self.job_ids(run.run_id, run.steps) for run in runs]
        insert([row for run in runs for row in self._rows(run)])
        return ids

    def job_ids(self, run_id: UUID, steps: Collection[str]) -> dict[str, UUID | None]:
        """Each step's job id by name, None where it is not among *steps*; reads nothing."""
        if unknown := set(steps) - self._numbers.keys():
            raise ValueError(f"{self.name} has no step {', '.join(sorted(unknown))}")
        return {
            name: job_of(run_id, number) if name in steps else None
            for name, number in self._numbers.items()
        }

    def step_of(self, job_id: UUID) -> Step:
        """The step that *job_id* stands for."""
        return self.steps[(job_id.int & 0xF) - 1]

    def _rows(self, run: Run) -> list[Row]:
        present = [step for step in self.steps if step.name in run.steps]
        first = min(step.position for step in present)
        return [
            Row(
                job_of(run.run_id, self._numbers[step.name]),
                run.run_id,
                step.kind,
                replace(run.job, args={**run.job.args, **more})
                if (more := run.by_step.get(step.name))
                else run.job,
                step.position,
                step.critical,
                "waiting" if step.position == first else "blocked",
            )
            for step in present
        ]

    def _check(self) -> None:
        """Refuse an order that completing a step could not follow with one look at the run."""
        positions = [step.position for step in self.steps]
        if positions != sorted(positions) or len(self._numbers) != len(self.steps):
            raise ValueError("steps stand in their order, each name once")
        for step in self.steps:
            alone = positions.count(step.position) == 1
            if step.position != positions[-1] and not (alone and step.critical):
                raise ValueError("steps side by side, and steps that may fail, stand last")
