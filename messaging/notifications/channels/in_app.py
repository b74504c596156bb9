"""In-app: the row itself is the inbox's entry (S92)."""

from messaging.notifications.channel import Channel, Notice, Receipt


class InApp(Channel):
    """Everybody's inbox."""

    name = "in_app"
    inside = True

    @classmethod
    def reach(cls) -> str:
        """Everybody."""
        return "true"

    def send(self, notice: Notice) -> Receipt:
        """Nothing to hand over: planning it was sending it."""
        return Receipt("inbox")
