"""Identifiers: UUIDv7 (RFC 9562), and the ids of a run and its jobs, which need no look-up.

A run's id ends in hex digit 0; its jobs have the same id with the digits 1 to 15. So whoever knows
a message knows its jobs, and the jobs of a run are one range of the primary key.
"""

import os
import time
from uuid import UUID

LAST_DIGIT = 0xF


def uuid7() -> UUID:
    """A new id that sorts by its millisecond of creation."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    high, low = random >> 68, random & (1 << 62) - 1
    return UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


def new_run() -> UUID:
    """A new id whose last digit leaves room for its jobs."""
    return UUID(int=uuid7().int & ~LAST_DIGIT)


def job_of(run: UUID, number: int) -> UUID:
    """The id of job *number* (1-15) of *run*."""
    if not 1 <= number <= LAST_DIGIT or run.int & LAST_DIGIT:
        raise ValueError("a run ends in 0 and has jobs 1 to 15")
    return UUID(int=run.int | number)


def run_of(job: UUID) -> UUID:
    """The run that *job* belongs to."""
    return UUID(int=job.int & ~LAST_DIGIT)


def last_of(run: UUID) -> UUID:
    """The highest id that a job of *run* can have."""
    return UUID(int=run.int | LAST_DIGIT)
