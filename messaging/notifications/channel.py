"""The contract of a channel: one way to tell somebody. A new one is one file in channels/.

A channel says whom it reaches and how it sends; everything else (planning, retries, dead letters,
what was sent when) is done around it. It raises Rejected for what will never work, ChannelError for
what may work later, and nothing else.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from messaging.models import Notification, Tenant, User
from queueing.errors import Permanent, Transient


class ChannelError(Transient):
    """The provider could not be reached or was not well: tried again as the queue's row says."""


class Rejected(Permanent):
    """The provider has refused for good: no such address, not allowed."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a channel may know. *sender* is empty unless the tenant's policy shows it."""

    opaque_id: UUID
    idempotency_key: str
    recipient: User
    sender: str

    @classmethod
    def of(cls, notification: Notification, tenant: Tenant, sender: str) -> "Notice":
        """The notice for *notification*, with as much as the *tenant* lets out."""
        shown = sender if tenant.preview == Tenant.Preview.SENDER else ""
        return cls(
            notification.opaque_id, notification.idempotency_key, notification.recipient, shown
        )

    @property
    def text(self) -> str:
        """The one sentence that leaves the house."""
        return (
            f"You have a new message from {self.sender}."
            if self.sender
            else ("You have a new message.")
        )


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a provider answers when it takes a notice."""

    provider: str
    provider_id: str = ""


class Channel(ABC):
    """A way to notify. Subclasses are found by themselves."""

    name: ClassVar[str]
    inside: ClassVar[bool] = False  # delivered by its row; nothing is sent
    reach: ClassVar[str]  # SQL condition on `users u`: whom it can reach at all

    registry: ClassVar[dict[str, type["Channel"]]] = {}

    def __init_subclass__(cls) -> None:
        cls.registry[cls.name] = cls

    @abstractmethod
    def send(self, notice: Notice) -> Receipt:
        """Hand *notice* to the provider. Raises ChannelError or Rejected."""
