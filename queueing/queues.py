"""The six queues, one row each (S1-S8): plain data, readable by settings and by people.

*attempts* counts all tries, as in Bull, so N attempts have N-1 waits: delivery's 5 wait 2, 4, 8, 16 s
(the required list "2, 4, 8, 16, 32" names one wait too many, C12). Times are seconds.
"""

from dataclasses import dataclass

EXPONENTIAL, FIXED = "exponential", "fixed"


@dataclass(frozen=True, slots=True)
class Queue:
    """One named lane of work and the numbers that its jobs live by."""

    key: str  # the constant of the requirements
    name: str  # the wire name; also the Celery queue and the ledger's value
    lane: str  # the short name: tasks, variables, log lines
    concurrency: int
    attempts: int
    backoff: str
    base: float  # the first wait
    timeout: int

    @property
    def variable(self) -> str:
        """The environment variable that overrides the concurrency (S8)."""
        return f"QUEUE_CONCURRENCY_{self.lane.upper()}"

    @property
    def lease(self) -> int:
        """Seconds after which a claim lapses even if nobody saw its holder die."""
        return self.timeout + 30


# fmt: off
DELIVERY     = Queue("MESSAGE_DELIVERY",      "message-delivery",      "delivery",     10, 5, EXPONENTIAL, 2,  30)
NOTIFICATION = Queue("MESSAGE_NOTIFICATION",  "message-notification",  "notification", 15, 3, EXPONENTIAL, 1,  20)
INDEXING     = Queue("MESSAGE_INDEXING",      "message-indexing",      "indexing",      3, 3, EXPONENTIAL, 3,  60)
ENCRYPTION   = Queue("MESSAGE_ENCRYPTION",    "message-encryption",    "encryption",    5, 3, EXPONENTIAL, 2,  45)
BATCH        = Queue("BATCH_MESSAGE_SENDING", "batch-message-sending", "batch",         2, 3, EXPONENTIAL, 5, 300)
CLEANUP      = Queue("MESSAGE_CLEANUP",       "message-cleanup",       "cleanup",       1, 2, FIXED,      10, 600)
# fmt: on

QUEUES = (DELIVERY, NOTIFICATION, INDEXING, ENCRYPTION, BATCH, CLEANUP)
BY_NAME = {queue.name: queue for queue in QUEUES}


def find(name: str) -> Queue | None:
    """The queue that is meant by its key, its wire name or its short name, else None (C9)."""
    for queue in QUEUES:
        if name in (queue.key, queue.name, queue.lane):
            return queue
    return None
