"""Job kinds for tests: one a queue that does what it is told, and a workflow of four steps."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

from queueing.jobs import Batch, Claimed, JobKind, NewJob, Outcome, job
from queueing.queues import DELIVERY, ENCRYPTION, INDEXING, NOTIFICATION, QUEUES, Queue
from queueing.workflow import Step, Workflow

TENANT = uuid4()


class Script:
    """What the probes do, and what they were given."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Do nothing from now on."""
        self.run: Callable[[Batch], object] = lambda batch: None
        self.call: Callable[[Claimed], Outcome | None] = lambda job: None
        self.seen: list[list[Claimed]] = []

    @contextmanager
    def doing(self, run: Callable[[Batch], object]) -> Iterator[None]:
        """Have set-based probes do *run* for a while."""
        before, self.run = self.run, run
        try:
            yield
        finally:
            self.run = before


script = Script()


def _probe(queue: Queue, name: str) -> JobKind:
    @job(queue=queue, name=name)
    def probe(batch: Batch) -> None:
        script.seen.append(list(batch))
        script.run(batch)

    return probe


PROBES = {queue.name: _probe(queue, f"probe-{queue.lane}") for queue in QUEUES}
PROBE = PROBES[DELIVERY.name]
OTHER = _probe(DELIVERY, "probe-other")


@job(queue=NOTIFICATION, name="probe-call", external=True)
def call(claimed: Claimed) -> Outcome | None:
    """An outside call."""
    script.seen.append([claimed])
    return script.call(claimed)


WALK = Workflow(
    "walk",
    Step("encryption", PROBES[ENCRYPTION.name], position=0, critical=True),
    Step("delivery", PROBES[DELIVERY.name], position=1, critical=True),
    Step("notification", PROBES[NOTIFICATION.name], position=2, critical=False),
    Step("indexing", PROBES[INDEXING.name], position=2, critical=False),
)
STEPS = ("encryption", "delivery", "notification", "indexing")


def new(**fields: object) -> NewJob:
    """A job of the tests' tenant."""
    return NewJob(**{"tenant_id": TENANT, **fields})  # type: ignore[arg-type]
