"""The life of a job on one page: claim · run · complete | put back | bury, over a batch.

The claim is a commit of its own. A set-based kind then runs inside the transaction that completes
its jobs; an outside call runs before it, in a thread. A slice that fails is halved until the job at
fault is alone, each half in a transaction of its own, so that no neighbour pays.
"""

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from queueing import calls, claims, context, settlement
from queueing.errors import DatabaseAway, Later, LeaseLost, TimedOut
from queueing.postgres import is_gone, repeat_races
from queueing.queues import Queue
from queueing.registry import Batch, CallFunction, Claimed, Missing, SetFunction, find
from queueing.signals import jobs_completed
from queueing.turns import Report, by_kind, slices
from queueing.verdicts import Verdict, judge

BUDGET = 0.05  # seconds until the rest is put back: later steps start before a backlog ends
CALL_BUDGET = 0.5  # the same for outside calls, which take their time
UNKNOWN_WAIT = 30.0  # seconds until another worker may know the kind


def drain(
    queue: Queue, *, task_id: str = "", threads: int | None = None, budget: float = BUDGET
) -> Report:
    """Work off what is due in *queue* for about *budget* seconds; what was done."""
    if threads is None:
        threads = settings.QUEUEING_CONCURRENCY[queue.name]
    work = Drain(queue, task_id, threads, budget)
    try:
        with context.about(queue=queue.name):
            work.run()
        if work.report.more:
            work.report.waiting, work.report.oldest = claims.backlog(queue)
    except SoftTimeLimitExceeded:  # between two slices: what was left is put back
        work.report.more = True
    except DatabaseError as error:
        if not is_gone(error):
            raise
        raise DatabaseAway from None
    return work.report


class Drain:
    """One turn at a lane."""

    def __init__(self, queue: Queue, task_id: str, threads: int, budget: float) -> None:
        self.queue = queue
        self.task_id = task_id
        self.threads = threads
        self.deadline = time.monotonic() + budget
        self.report = Report()
        self.open: dict[UUID, Claimed] = {}  # claimed and not settled
        self.worked = False
        self.timed_out = False  # there will be no second warning before the hard limit

    def run(self) -> None:
        """Take due jobs until there are none or time is up, then some that crashed before."""
        while True:
            claim = claims.take(self.queue)
            self.work(claim)
            if not claim.full or self.late():
                break
        self.report.more |= claim.full
        if claim.crashed and not self.timed_out:
            crashed = claims.take_crashed(self.queue)
            self.worked = False  # else they would starve beside a backlog
            self.work(crashed)
            self.report.more |= bool(crashed.jobs)

    def late(self) -> bool:
        """Whether the turn is over; at least one slice is worked."""
        return self.timed_out or (self.worked and time.monotonic() > self.deadline)

    def work(self, claim: claims.Claim) -> None:
        """Run the jobs of *claim*, kind by kind; what there was no time for goes back."""
        self.settle([Verdict(job, wait=pause, deferral=1) for job, pause in claim.paused])
        self.open = {job.id: job for job in claim.jobs}
        try:
            for name, jobs in by_kind(claim.jobs).items():
                self.work_kind(name, jobs)
            self.worked |= bool(claim.jobs or claim.paused)
        except (DatabaseError, DatabaseAway):
            self.open.clear()  # the sweeper frees them
            raise
        finally:
            self.report.more |= bool(self.open)
            self.settle([Verdict(job) for job in self.open.values()])

    def work_kind(self, name: str, jobs: list[Claimed]) -> None:
        """Run *jobs*, all of one kind."""
        kind = find(name)
        if kind is None:
            self.settle([judge(job, Missing(UNKNOWN_WAIT)) for job in jobs])
        elif kind.call is not None:
            self.call_all(kind.call, jobs)
        elif kind.run is not None:
            for part in slices(jobs):
                if self.late():
                    return
                self.run_slice(kind.run, part)

    def run_slice(self, function: SetFunction, jobs: Sequence[Claimed]) -> None:
        """Run *function* over *jobs* and complete them, or find out which of them is at fault."""
        if self.timed_out:  # the other half of a slice
            return
        self.worked = True
        try:
            with context.about(**(jobs[0].context() if len(jobs) == 1 else {})):
                repeat_races(partial(self.commit, function, jobs))
        except SoftTimeLimitExceeded:
            self.time_out(jobs, company=len(jobs) > 1)
        except Later as later:
            self.settle([judge(job, later) for job in jobs])
        except LeaseLost:
            self.run_rest(function, jobs)
        except Exception as error:
            if is_gone(error):
                raise DatabaseAway from None
            if len(jobs) == 1:
                return self.settle([judge(jobs[0], error)])
            half = len(jobs) // 2
            self.run_slice(function, jobs[:half])
            self.run_slice(function, jobs[half:])

    def commit(self, function: SetFunction, jobs: Sequence[Claimed]) -> None:
        """The effects of *jobs* and their end, in one transaction."""
        batch = Batch(jobs)
        with transaction.atomic():
            function(batch)
            verdicts = [judge(job, batch.errors[job.id]) for job in jobs if job.id in batch.errors]
            again = [job for job in jobs if job.id in batch.unfinished.keys() - batch.errors.keys()]
            waits = {job: float(batch.unfinished[job.id]) for job in again}
            verdicts += [Verdict(job, wait=wait, progressed=True) for job, wait in waits.items()]
            ended = {verdict.job.id for verdict in verdicts}
            done = [job for job in jobs if job.id not in ended]
            unblocked = settlement.complete(done, batch.results)
            settlement.put_back(verdicts, self.task_id)
            jobs_completed.send_robust(sender=self.queue.name, jobs=done)
        self.report.done += len(done)
        self.report.put_back(waits.values())
        self.report.unblocked.update(unblocked)
        self.close(verdicts, jobs)

    def run_rest(self, function: SetFunction, jobs: Sequence[Claimed]) -> None:
        """Run those of *jobs* again that nobody has taken away meanwhile."""
        mine = claims.still_mine(jobs)
        self.close([], jobs)
        if mine and len(mine) < len(jobs):
            self.open |= {job.id: job for job in mine}
            self.run_slice(function, mine)

    def call_all(self, call: CallFunction, jobs: Sequence[Claimed]) -> None:
        """Call *call* for each of *jobs*, some at once, and settle them as answers come in."""
        if self.late():
            return
        self.worked = True
        until = max(self.deadline, time.monotonic() + CALL_BUDGET)
        try:
            for answers in calls.answers(call, jobs, self.threads, until):
                self.run_slice(answers.settle, answers.jobs)
        except calls.TimeUp as late:
            self.time_out(late.jobs, company=False)

    def time_out(self, jobs: Sequence[Claimed], *, company: bool) -> None:
        """Settle *jobs* after the queue's time was up, and end the turn."""
        connection.close()  # it may have been cut off in the middle of an answer
        self.timed_out = True
        self.settle([judge(job, TimedOut(), company=company) for job in jobs])

    def settle(self, verdicts: Sequence[Verdict]) -> None:
        """Put back or bury, in a transaction of its own, what is still ours."""
        if not verdicts:
            return
        jobs = [verdict.job for verdict in verdicts]
        try:
            repeat_races(partial(self.put_back, verdicts))
        except LeaseLost:
            mine = {job.id for job in claims.still_mine(jobs)}
            verdicts = [verdict for verdict in verdicts if verdict.job.id in mine]
            with suppress(LeaseLost):
                repeat_races(partial(self.put_back, verdicts))
        self.close(verdicts, jobs)

    def put_back(self, verdicts: Sequence[Verdict]) -> None:
        """Write *verdicts*."""
        with transaction.atomic():
            settlement.put_back(verdicts, self.task_id)

    def close(self, verdicts: Iterable[Verdict], jobs: Iterable[Claimed]) -> None:
        """Note that *jobs* are out of our hands."""
        self.report.count(verdicts)
        for job in jobs:
            self.open.pop(job.id, None)
