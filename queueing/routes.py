"""Which lanes follow which: what a wake-up's chain consists of."""

from collections.abc import Sequence

from queueing.queues import Queue

_routes: dict[str, tuple[Queue, ...]] = {}


def register(workflow: str, lanes: Sequence[Queue]) -> None:
    """Say that the *workflow* goes through *lanes* in this order."""
    _routes[workflow] = tuple(dict.fromkeys(lanes))


def lanes_after(queue: Queue) -> tuple[Queue, ...]:
    """The lanes that follow *queue* in any workflow, in order."""
    following: dict[Queue, None] = {}
    for lanes in _routes.values():
        if queue in lanes:
            following |= dict.fromkeys(lanes[lanes.index(queue) + 1 :])
    return tuple(following)
