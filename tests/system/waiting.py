"""Waiting for what other processes do."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(look: Callable[[], T], *, seconds: float = 20.0, pause: float = 0.05) -> T:
    """The first truthy thing that *look* returns; AssertionError with its last answer if none."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s; the last answer was {found!r}")
        time.sleep(pause)
    return found
