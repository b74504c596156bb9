"""What one person is told on all their sockets, whatever these follow: signals, which may be lost."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer

log = logging.getLogger(__name__)

FRAME = "event.frame"
GROUP = "user."


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """News for *person*; *data* holds ids, codes and numbers."""

    person: UUID
    event: str
    data: dict[str, Any] = field(default_factory=dict)
    conversation_id: UUID | None = None

    def message(self) -> dict[str, Any]:
        """The form in which the channel layer carries it."""
        frame: dict[str, Any] = {"type": "signal", "event": self.event, "data": self.data}
        if self.conversation_id:
            frame["conversationId"] = str(self.conversation_id)
        return {"type": FRAME, "frame": frame}


def group_of(user_id: UUID) -> str:
    """The Channels group of a person's sockets."""
    return f"{GROUP}{user_id}"


def tell(signals: Sequence[Signal]) -> None:
    """Tell people, after the commit. Never raises."""
    if not signals:
        return
    try:
        get_channel_layer().publish(
            [(group_of(signal.person), signal.message()) for signal in signals]
        )
    except Exception as error:  # whatever is wrong with Redis must not reach what has committed
        log.warning("signals not published: %s", type(error).__name__)
