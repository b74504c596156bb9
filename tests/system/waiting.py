"""Waiting for what other processes do."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(
    look: Callable[[], T],
    *,
    seconds: float = 20.0,
    pause: float = 0.05,
    otherwise: Callable[[], object] | None = None,
) -> T:
    """The first truthy thing that *look* returns.

    If there is none in time, an AssertionError with its last answer or what *otherwise* says.
    """
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            last = otherwise() if otherwise else found
            raise AssertionError(f"not within {seconds:.0f} s; at last there was {last}")
        time.sleep(pause)
    return found
