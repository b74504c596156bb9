"""Deleted messages are removed after a time of grace (S104)."""

from messaging.retention.strategy import Due, Strategy
from messaging.services import removing


class DeletedMessages(Strategy):
    """Removes what was deleted longer ago than the run's days."""

    name = "deleted_messages"
    title = "Remove deleted messages after their grace"
    days = 30
    condition = "m.deleted_at < now() - make_interval(days => %(days)s::int)"

    def remove(self, messages: list[Due]) -> None:
        """Remove them and what hangs on them; events stay."""
        removing.purge(messages, self.name)
