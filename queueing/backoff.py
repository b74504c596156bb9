"""How long a job waits before it is tried again (S2-S7)."""

import random

LONGEST = 300.0  # seconds
JITTER = 0.25  # a quarter more or less, so that jobs that failed together do not return together


def wait(base: float, attempt: int, *, growing: bool = True) -> float:
    """Seconds to wait after *attempt* (1 is the first): *base*, doubled each time if *growing*."""
    # Beyond 2^32 the limit holds anyhow, and a float would overflow one day.
    pause = base * 2.0 ** min(attempt - 1, 32) if growing else base
    return min(pause * random.uniform(1 - JITTER, 1 + JITTER), LONGEST)
