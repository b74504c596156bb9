"""What a device is to show, in no provider's form."""

from dataclasses import dataclass
from uuid import UUID

LIFETIME = 7 * 86_400  # seconds that a provider tries to reach a device that is away


@dataclass(frozen=True, slots=True)
class Push:
    """A title and a text without content, and the one id that leaves the house."""

    opaque_id: UUID
    title: str
    body: str
    unread: int
    priority: int  # 0 CRITICAL to 3 LOW
    collapse: str
