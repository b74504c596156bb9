"""What a provider's code means for the notification: a table for each provider, one reading of all."""

from collections.abc import Mapping
from enum import Enum, auto

from messaging.notifications.channel import ChannelError, Gone, Rejected, Uncertain
from messaging.notifications.providers.http import Answer
from queueing.errors import JobError, Throttled


class Fate(Enum):
    """What becomes of a notification."""

    TRANSIENT = auto()  # not taken; may be later
    THROTTLED = auto()  # not taken; not before it says so
    UNKNOWN = auto()  # taken or not: nobody knows
    PERMANENT = auto()  # never, however often it is tried
    GONE = auto()  # never, and nothing else will arrive there either


def fate_of_status(status: int) -> Fate:
    """What an HTTP *status* means without a code that is known."""
    if status == 429:
        return Fate.THROTTLED
    if status >= 500:
        return Fate.UNKNOWN
    return Fate.TRANSIENT if status in (401, 403, 408) else Fate.PERMANENT


def refusal(provider: str, answer: Answer, code: str, table: Mapping[str, Fate]) -> JobError:
    """The error that *answer* with its *code* is; a code that no table has is told by its status."""
    known = code in table
    fate = table[code] if known else fate_of_status(answer.status)
    name = f"{provider}-{code.lower().replace('_', '-') if known else answer.status}"
    if fate is Fate.THROTTLED:
        return Throttled(answer.after, code=name)
    kinds = {
        Fate.TRANSIENT: ChannelError,
        Fate.UNKNOWN: Uncertain,
        Fate.PERMANENT: Rejected,
        Fate.GONE: Gone,
    }
    return kinds[fate](code=name)
