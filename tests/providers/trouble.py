"""What a fake does instead of answering well, and what it keeps of what came in."""

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Trouble:
    """One answer that is not a good one."""

    status: int = 0  # answer with this instead
    body: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0  # be so slow
    hang_up: bool = False  # take it, and close the connection without a word


class Recorder:
    """What every fake has: what it accepted and refused, and what it is told to do next."""

    def __init__(self) -> None:
        self.accepted: list[dict[str, Any]] = []
        self.refused: list[str] = []
        self.raw: list[bytes] = []  # every body and header that came in
        self.troubles: deque[Trouble] = deque()
        self.lock = threading.Lock()

    def then(self, **trouble: Any) -> None:
        """Do that with the next message."""
        self.troubles.append(Trouble(**trouble))

    def next(self) -> Trouble:
        """What to do with the message that came in now."""
        with self.lock:
            return self.troubles.popleft() if self.troubles else Trouble()
