"""WHAT RUNS BY THE CLOCK: one line for each periodic job.

Plain data. Beat writes each line to its tables where no row of that name is, and never again: from
then on the row is the operators', who change it in the admin (disable a row; a deleted one comes
back). Times are UTC. A run is done once for its time, however often it is asked for.
"""

from dataclasses import dataclass

from queueing.queues import CLEANUP, INDEXING, Queue


@dataclass(frozen=True, slots=True)
class Periodic:
    """A task by its name, and when: at *hour*:*minute*, or where it is given, *every* n seconds."""

    name: str  # of the row, and of the Celery task unless that is said
    queue: Queue  # whose worker starts it
    description: str
    minute: str = "0"
    hour: str = "*"
    every: int = 0
    task: str = ""

    @property
    def period(self) -> int:
        """Seconds after which a run that nobody has begun is not worth beginning."""
        if self.every:
            return self.every
        return 3600 if self.hour == "*" else 86_400


# fmt: off
SCHEDULE = (
    Periodic("cleanup.old_messages",      CLEANUP, "Delete messages that are past their retention.", hour="2"),
    Periodic("cleanup.orphaned_messages", CLEANUP, "Remove messages whose conversation is gone.",    hour="2"),
    Periodic("cleanup.deleted_messages",  CLEANUP, "Remove deleted messages after their grace.",     hour="2"),
    Periodic("devices.prune",             CLEANUP, "Forget devices that nobody has seen for long.",  hour="3"),
    Periodic("keys.maintain",             CLEANUP, "Retire, re-wrap and destroy the keys that are due."),
    Periodic("prune the ledger",          CLEANUP, "Delete jobs whose time is over.", every=300, task="cleanup.prune"),
    # Each queue is looked at by the worker that does not serve it: who is gone is told by who is left.
    Periodic("health.delivery",     CLEANUP,  "Show the health of message-delivery in Flower.",       every=15),
    Periodic("health.encryption",   CLEANUP,  "Show the health of message-encryption in Flower.",     every=15),
    Periodic("health.indexing",     CLEANUP,  "Show the health of message-indexing in Flower.",       every=15),
    Periodic("health.notification", INDEXING, "Show the health of message-notification in Flower.",   every=15),
    Periodic("health.batch",        INDEXING, "Show the health of batch-message-sending in Flower.",  every=15),
    Periodic("health.cleanup",      INDEXING, "Show the health of message-cleanup in Flower.",        every=15),
    Periodic("alerts of one worker",   CLEANUP,  "Open, tell and end alerts.", every=30, task="alerts.evaluate"),
    Periodic("alerts of the other",    INDEXING, "The same, where that one is away.", every=30, task="alerts.evaluate"),
)
# fmt: on
