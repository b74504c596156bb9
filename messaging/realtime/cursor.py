"""How far a socket has come in one conversation: the rule that makes hints safe to lose.

Hints may be dropped, doubled and reordered on their way. A socket is written event n + 1 after
event n and nothing else; whatever does not fit is read from PostgreSQL.
"""

from enum import Enum, auto


class Step(Enum):
    """What to do about an event."""

    WRITE = auto()  # it is the next one
    DROP = auto()  # it has been written
    READ = auto()  # others are missing before it: read them
    HOLD = auto()  # it is the next one and cannot be shown yet


class Cursor:
    """The number of the last event written; None until the subscription knows where it starts."""

    __slots__ = ("position",)

    def __init__(self) -> None:
        self.position: int | None = None

    def step(self, seq: int) -> Step:
        """What to do about event *seq*."""
        if self.position is None or seq <= self.position:
            return Step.DROP  # who has no start yet reads when it has one
        return Step.WRITE if seq == self.position + 1 else Step.READ


def start(since: int | None, head: int, joined: int, window: int) -> tuple[int, bool]:
    """Where a subscription begins, and whether the client has to load over REST first.

    Events below *joined* were before the reader's stay. A *since* beyond *head* is of another
    history (a database restored from a backup); one too far behind is beyond the *window*.
    """
    if since is None:
        return head, False
    begin = max(since, joined - 1)
    if since > head or head - begin > window:
        return head, True
    return begin, False
