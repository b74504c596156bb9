"""How many frames a client may still send now: so many at once, and then so many a second."""

import time


class Meter:
    """A bucket of *most* that fills by *rate* a second."""

    def __init__(self, rate: float, most: float) -> None:
        self._rate, self._most = rate, most
        self._left = float(most)
        self._at = time.monotonic()

    def allows(self) -> bool:
        """Whether one more is within the limit; counts it."""
        now = time.monotonic()
        gained = (now - self._at) * self._rate
        self._left = min(self._left + gained, self._most) - 1
        self._at = now
        return self._left >= 0
