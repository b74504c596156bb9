"""The contract of a channel: one way to tell somebody. A new one is one file in channels/.

A channel says whom it reaches and how it sends; everything else (planning, retries, dead letters,
what was sent when) is done around it. It raises, and nothing else:

    ChannelError    the provider was away or not well: tried again as the queue's row says
    Throttled       the provider asks for a pause: put back, not counted
    Rejected        never: a dead letter at once
    ├── Gone        never, and whatever else goes there will not arrive either
    Uncertain       it may have been taken. A channel that can say "this one again" sends it again;
                    one that cannot holds it: status `unknown`, a dead letter, resent by people only
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from messaging.models import User
from queueing.errors import Permanent, Transient


class ChannelError(Transient):
    """The provider could not be reached or was not well."""


class Uncertain(ChannelError):
    """The provider may have taken it."""

    code = "uncertain"


class Held(Permanent):
    """It may have been sent, and the channel cannot say "this one again": people decide."""

    code = "uncertain"


class Rejected(Permanent):
    """The provider has refused for good: no such address, not allowed."""


class Gone(Rejected):
    """There is nobody at that address any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a channel may know: nothing of what the message says."""

    notification_id: UUID
    opaque_id: UUID  # the same at every try
    recipient: User
    title: str
    text: str
    priority: int
    unread: int = 0
    collapse_key: str = ""

    @property
    def collapse(self) -> str:
        """What a device shows only the last one of."""
        return self.collapse_key or str(self.opaque_id)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a provider answers when it takes a notice; *skipped* says why there was nothing to do."""

    provider: str
    provider_id: str = ""
    skipped: str = ""
    sent: int = 1  # devices or addresses that have it
    failed: int = 0  # those that never will


class Channel(ABC):
    """A way to notify. Subclasses are found by themselves."""

    name: ClassVar[str]
    inside: ClassVar[bool] = False  # delivered by its row; nothing is sent
    holds: ClassVar[bool] = False  # what may have been sent is not sent again

    registry: ClassVar[dict[str, type["Channel"]]] = {}

    def __init_subclass__(cls) -> None:
        cls.registry[cls.name] = cls

    @classmethod
    @abstractmethod
    def reach(cls) -> str:
        """The SQL condition on `users u`, `tenants t` and `messages m` for whom it is meant.

        It is made of our own constants and settings; `false` where the channel has no credentials.
        """

    @abstractmethod
    def send(self, notice: Notice) -> Receipt:
        """Hand *notice* to the provider. Raises what the module's text names."""
