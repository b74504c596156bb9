"""How far a job has come (S36), written to its row while it runs."""

import json
import time
from collections.abc import Mapping
from typing import Any, TypedDict
from weakref import WeakKeyDictionary

from queueing.models import Job
from queueing.postgres import execute
from queueing.registry import Claimed, find
from queueing.signals import job_progressed

PERIOD = 0.5  # seconds between two writes of one job
WHOLE = 100

WRITE = """
    UPDATE jobs SET progress = %(progress)s::jsonb
    WHERE id = %(id)s::uuid AND token = %(token)s::uuid AND state = 'active'"""


class JobProgress(TypedDict):
    """What is told of a job's progress."""

    percentage: int
    step: str
    totalSteps: int
    currentStep: int
    data: Mapping[str, Any]


_written: WeakKeyDictionary[Claimed, float] = WeakKeyDictionary()


def report(
    job: Claimed,
    percentage: int,
    step: str = "",
    *,
    current_step: int = 0,
    total_steps: int = 0,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Note how far *job* has come, at most twice a second; *data* holds ids and counts only."""
    now = time.monotonic()
    if percentage < WHOLE and now - _written.get(job, -PERIOD) < PERIOD:
        return
    _written[job] = now
    progress = JobProgress(
        percentage=min(max(percentage, 0), WHOLE),
        step=step,
        totalSteps=total_steps,
        currentStep=current_step,
        data=data or {},
    )
    values = {"progress": json.dumps(progress, default=str), "id": job.id, "token": job.token}
    execute(WRITE, values)
    job_progressed.send_robust(sender=job.kind, job=job, progress=progress)


def of(job: Job) -> JobProgress:
    """How far *job* has come; of one that reports nothing, what its state says.

    What a set-based job does becomes visible at once, in the commit that also completes it: between
    nothing and all there is only that it is being done.
    """
    stored: dict[str, Any] = job.progress or _under_way(job)
    if job.state == Job.State.COMPLETED:
        total = stored.get("totalSteps", 1)
        return JobProgress(
            percentage=WHOLE, step="complete", totalSteps=total, currentStep=total, data={}
        )
    return JobProgress(
        percentage=stored.get("percentage", 0),
        step=stored.get("step", job.state),
        totalSteps=stored.get("totalSteps", 1),
        currentStep=stored.get("currentStep", int(job.state == Job.State.ACTIVE)),
        data=stored.get("data", {}),
    )


def _under_way(job: Job) -> dict[str, Any]:
    kind = find(job.kind)
    steps = kind.steps if kind else ()
    if not steps:
        return {}
    if job.state != Job.State.ACTIVE:
        return {"totalSteps": len(steps)}
    step = len(steps) - 1  # the last one is that it is complete
    return {
        "percentage": WHOLE * (step - 1) // step if step > 1 else 0,
        "step": steps[step - 1],
        "totalSteps": len(steps),
        "currentStep": step,
    }
