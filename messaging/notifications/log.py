"""One line for every notification that is sent, by any channel: ids and codes and nothing else.

No token, no address, no number, no text: what is written here is read by everybody who reads logs.
"""

import logging
from uuid import UUID

logger = logging.getLogger("messaging.notifications")


def told(
    outcome: str, *, channel: str, level: int = logging.INFO, **facts: UUID | str | int
) -> None:
    """Write that a notification of *channel* came to *outcome*; *facts* are ids, codes and counts."""
    fields = {"channel": channel, "outcome": outcome} | {
        name: str(value) for name, value in facts.items() if value != ""
    }
    line = " ".join(f"{name}={value}" for name, value in fields.items())
    logger.log(level, "notification %s", line, extra={"notification": fields})
