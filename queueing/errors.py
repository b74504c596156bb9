"""What can go wrong, as a tree.

    JobError                  raised by a job's function; the executor settles the job by it
    ├── Permanent             never: a dead letter at once
    ├── Transient             trouble: tried again as the queue's row says; so is any other error
    │   └── TimedOut          the queue's time was up
    ├── WorkerLost            the process that worked on it died; counted as a crash
    ├── Throttled(after)      the other side asks for a pause: put back, never counted as an attempt
    └── Snooze(after)         not yet: put back, never counted as an attempt

    LedgerError               raised to whoever asks something of the ledger
    ├── JobNotFound           no such job, or not one that this person may see
    │   └── QueueNotFound     no queue has this name
    ├── JobStateConflict      the job is in no state for that
    ├── ArgsInvalid           a job is told something that its kind does not take
    ├── LeaseLost             somebody else owns a job by now; what was done for it is rolled back
    ├── DatabaseAway          PostgreSQL went away; the sweeper gives the jobs to others
    ├── DrainFailed           something in the executor itself
    └── QueueUnhealthy        what a queue's check-up found, as codes

The text of a JobError is stored and shown, so it may name ids and codes and never any content. Of
any other error only the class is kept: its text may quote a row.
"""


class JobError(Exception):
    """An error whose text and *code* are safe to store."""

    code = "job-error"

    def __init__(self, message: str = "", *, code: str = "") -> None:
        super().__init__(message)
        if code:
            self.code = code

    def __str__(self) -> str:
        return super().__str__() or self.code


class Permanent(JobError):
    """It will never work."""

    code = "permanent"


class Transient(JobError):
    """It may work later."""

    code = "transient"


class TimedOut(Transient):
    """The queue's time was up."""

    code = "timeout"


class WorkerLost(JobError):
    """The process that worked on it died."""

    code = "worker-lost"


class Later(JobError):
    """Not an error: the job is put back and runs again *after* so many seconds."""

    def __init__(self, after: float, message: str = "", *, code: str = "") -> None:
        super().__init__(message, code=code)
        self.after = after


class Throttled(Later):
    """The other side asks for a pause."""

    code = "throttled"


class Snooze(Later):
    """It is not time yet."""

    code = "snoozed"


class LedgerError(Exception):
    """Something was asked of the ledger that it cannot do."""

    code = "ledger-error"


class JobNotFound(LedgerError):
    """There is no such job, or not for this person."""

    code = "not-found"


class JobStateConflict(LedgerError):
    """The job is in no state for that."""

    code = "job-state"


class ArgsInvalid(LedgerError, ValueError):
    """Not what this kind of job takes; the text names the kind and the field."""

    code = "job-args"


class QueueNotFound(JobNotFound):
    """No queue has this name."""


class LeaseLost(LedgerError):
    """Somebody else owns one of the jobs by now."""

    code = "lease-lost"


class DatabaseAway(LedgerError):
    """PostgreSQL went away in the middle of a drain."""

    code = "database-away"


class DrainFailed(LedgerError):
    """Something in the executor itself raised; its class is the text."""

    code = "drain-failed"


class QueueUnhealthy(LedgerError):
    """A queue does not do its work; the reasons, as codes, are the text."""

    code = "queue-unhealthy"
