"""What becomes of a job whose function raised, and what is kept of the error.

Text is kept only of our own errors: any other's may quote a row.
"""

import hashlib
from dataclasses import dataclass
from traceback import extract_tb

from queueing.backoff import wait
from queueing.errors import JobError, Later, Permanent, TimedOut, WorkerLost
from queueing.queues import BY_NAME, EXPONENTIAL
from queueing.registry import Claimed

LONGEST = 500  # characters of an error's text
DEADLY_CRASHES = 6  # three that shrink a job's company, three alone


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error without anything that could be content."""

    error: Exception  # for those who listen; never stored
    outcome: str  # as in JobAttempt.Outcome
    code: str  # of our own errors; the class of any other
    text: str
    location: str  # file, line, function
    fingerprint: str  # the same for one kind of job, code and place

    @classmethod
    def of(cls, kind: str, error: Exception) -> "Trouble":
        """What is kept of *error* in a job of *kind*."""
        own = isinstance(error, JobError)
        code = error.code if isinstance(error, JobError) else type(error).__name__
        place, location = _where(error)
        fingerprint = hashlib.sha256(f"{kind}|{code}|{place}".encode()).hexdigest()[:16]
        text = _clean(str(error)) if own else code
        return cls(error, _outcome(error), code[:100], text, location, fingerprint)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a job that is not completed."""

    job: Claimed
    state: str = "waiting"  # or failed
    wait: float | None = None  # seconds until it is due; None: it keeps its place in the lane
    attempt: int = 0  # 1 where this counts as one
    crash: int = 0
    deferral: int = 0
    trouble: Trouble | None = None
    progressed: bool = False  # part of it is committed: earlier errors and crashes are forgotten


def judge(job: Claimed, error: Exception, *, company: bool = False) -> Verdict:
    """What becomes of *job* after *error*; a timeout in *company* is nobody's fault for sure."""
    trouble = Trouble.of(job.kind, error)
    if isinstance(error, Later):
        return Verdict(job, wait=max(float(error.after), 0.0), deferral=1, trouble=trouble)
    if isinstance(error, TimedOut) and company:
        return Verdict(job, wait=0.0, crash=1, trouble=trouble)
    number = job.attempts + 1
    if isinstance(error, Permanent) or number >= job.max_attempts:
        return Verdict(job, "failed", attempt=1, trouble=trouble)
    queue = BY_NAME[job.queue]
    growing = queue.backoff == EXPONENTIAL
    pause = wait(queue.base, number - job.attempts_base, growing=growing)
    return Verdict(job, wait=pause, attempt=1, trouble=trouble)


def mourn(job: Claimed) -> Verdict:
    """What becomes of *job* after its worker died."""
    trouble = Trouble.of(job.kind, WorkerLost("its worker died"))
    dead = job.crashes + 1 >= DEADLY_CRASHES
    return Verdict(job, "failed" if dead else "waiting", wait=0.0, crash=1, trouble=trouble)


def _outcome(error: Exception) -> str:
    if isinstance(error, TimedOut):
        return "timeout"
    return "crash" if isinstance(error, WorkerLost) else "error"


def _where(error: Exception) -> tuple[str, str]:
    """The function that raised, without and with its line."""
    frames = extract_tb(error.__traceback__)
    if not frames:
        return "", ""
    last = frames[-1]
    file = "/".join(last.filename.split("/")[-3:])
    return f"{file} {last.name}", f"{file}:{last.lineno} in {last.name}"[:200]


def _clean(text: str) -> str:
    """*text* as PostgreSQL can store it."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:LONGEST]
