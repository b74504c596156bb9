"""Old messages are deleted as their senders could: gone for readers, removed after the grace (S102)."""

from messaging.retention.strategy import Due, Strategy
from messaging.services import removing


class OldMessages(Strategy):
    """Deletes what is older than its conversation, its tenant or the run says, in this order."""

    name = "old_messages"
    title = "Delete messages that are past their retention"
    days = 90
    # One that is scheduled is as old as the time it is for.
    condition = """
        m.deleted_at IS NULL AND greatest(m.created_at, m.scheduled_at)
            < now() - make_interval(days => coalesce(c.retention_days, t.retention_days,
                                                     %(days)s::int))"""

    def remove(self, messages: list[Due]) -> None:
        """Mark them deleted and tell whoever is in their conversations."""
        removing.expire(messages, self.name)
