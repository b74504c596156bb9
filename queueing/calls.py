"""Outside calls: one job per thread, outside any transaction, answers handed on as they come in."""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded
from django.db import connections

from queueing import context
from queueing.registry import Batch, CallFunction, Claimed, Outcome


class TimeUp(Exception):
    """The queue's time was up while *jobs* were being called."""

    def __init__(self, jobs: Sequence[Claimed]) -> None:
        super().__init__("time is up")
        self.jobs = jobs


@dataclass(frozen=True, slots=True)
class Answers:
    """What some calls came to."""

    jobs: list[Claimed]
    of: dict[UUID, Outcome | Exception]

    def settle(self, batch: Batch) -> None:
        """Run the effects of the answers of *batch*, and fail what raised."""
        for job in batch:
            answer = self.of[job.id]
            if isinstance(answer, Exception):
                batch.fail(job, answer)
            else:
                answer.settle(batch, job)


def answers(
    call: CallFunction, jobs: Sequence[Claimed], threads: int, until: float
) -> Iterator[Answers]:
    """The answers to *call* for *jobs*, up to *threads* at once; none begins after *until*."""
    if threads > 1:
        yield from _in_threads(call, jobs, threads, until)
        return
    for job in jobs:
        try:
            answer = _ask(call, job)
        except SoftTimeLimitExceeded:
            raise TimeUp([job]) from None
        yield Answers([job], {job.id: answer})
        if time.monotonic() > until:
            return


def _in_threads(
    call: CallFunction, jobs: Sequence[Claimed], threads: int, until: float
) -> Iterator[Answers]:
    waiting = deque(jobs)
    running: dict[Future[Outcome | Exception], Claimed] = {}
    pool = ThreadPoolExecutor(min(threads, len(jobs)), thread_name_prefix="call")
    try:
        while waiting or running:
            while waiting and len(running) < threads and time.monotonic() < until:
                job = waiting.popleft()
                running[pool.submit(_ask_in_thread, call, job)] = job
            if not running:
                return
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            done = {running.pop(future): future.result() for future in finished}
            yield Answers(list(done), {job.id: answer for job, answer in done.items()})
    except SoftTimeLimitExceeded:
        raise TimeUp(list(running.values())) from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # a thread that hangs is left behind


def _ask_in_thread(call: CallFunction, job: Claimed) -> Outcome | Exception:
    try:
        return _ask(call, job)
    finally:
        connections.close_all()  # this thread's own


def _ask(call: CallFunction, job: Claimed) -> Outcome | Exception:
    try:
        with context.about(**job.context()):
            return call(job) or Outcome()
    except SoftTimeLimitExceeded:
        raise
    except Exception as error:
        return error
