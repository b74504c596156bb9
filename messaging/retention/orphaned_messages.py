"""Messages whose conversation is gone or deleted are removed (S103)."""

from messaging.retention.strategy import Due, Strategy
from messaging.services import removing


class OrphanedMessages(Strategy):
    """Removes what nobody can reach any more; age does not matter."""

    name = "orphaned_messages"
    title = "Remove messages whose conversation is gone"
    days = 1
    condition = "c.id IS NULL OR c.deleted_at IS NOT NULL"

    def remove(self, messages: list[Due]) -> None:
        """Remove them and what hangs on them; events stay."""
        removing.purge(messages, self.name)
