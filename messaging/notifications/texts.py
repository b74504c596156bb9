"""What a notification says: the tenant's newest text, else the installation's, else the built-in one.

Rendered at the time of sending, from names that are no content (models/channels.py: VARIABLES).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from messaging.models import Message, Notification, NotificationTemplate, Tenant, User
from messaging.models.channels import BODY, SUBJECT

MOST_UNREAD = 99
TITLE, PLAIN, NAMED = (
    "New message",
    "You have a new message.",
    "You have a new message from {sender}.",
)


@dataclass(frozen=True, slots=True)
class Template:
    """A subject and a body with their variables, and where they are from."""

    subject: str
    body: str
    source: str  # "tenant 3", "default 1" or "built-in"

    def render(self, *, sender: str, unread: int) -> tuple[str, str]:
        """The title and the text for one person; *sender* is empty where policy hides them."""
        app = one_line(settings.APP_NAME)
        values = {
            "sender": one_line(sender) or app,
            "count": str(min(unread, MOST_UNREAD)),
            "link": settings.PUBLIC_URL,
            "app": app,
        }
        body = self.body or (NAMED if sender else PLAIN)
        subject = (self.subject or TITLE).format_map(values)
        return subject[:SUBJECT], body.format_map(values)[:BODY]


BUILT_IN = Template("", "", "built-in")


def template(
    tenant_id: UUID, channel: str, type: str = NotificationTemplate.Type.MESSAGE
) -> Template:
    """The text that holds for *tenant_id* on *channel*."""
    rows = NotificationTemplate.objects.filter(
        Q(tenant_id=tenant_id) | Q(tenant=None), channel=channel, type=type
    )
    newest = {row.tenant_id: row for row in rows.order_by("version")}
    for owner, name in ((tenant_id, "tenant"), (None, "default")):
        row = newest.get(owner)
        if row is not None and row.body:
            return Template(row.subject, row.body, f"{name} {row.version}")
    return BUILT_IN


def of_inbox(user: User, rows: Sequence[Notification]) -> dict[UUID, tuple[str, str]]:
    """Title and text of each of *rows*, entries of the inbox of *user*."""
    if not rows:
        return {}
    names: dict[UUID, str] = {}
    if user.tenant.preview == Tenant.Preview.SENDER:
        messages = Message.objects.filter(pk__in=[row.message_id for row in rows])
        names = {row.pk: row.sender.name for row in messages.select_related("sender")}
    chosen, count = template(user.tenant_id, "in_app"), unread(user.pk)
    return {
        row.pk: chosen.render(sender=names.get(row.message_id, ""), unread=count) for row in rows
    }


def shown(tenant: Tenant, sender: str) -> str:
    """As much of the *sender* as *tenant* lets out."""
    return sender if tenant.preview == Tenant.Preview.SENDER else ""


def unread(user_id: UUID) -> int:
    """How many entries of a person's inbox are not read, counted up to MOST_UNREAD."""
    rows = Notification.objects.filter(recipient_id=user_id, channel="in_app", read_at=None)
    return rows[:MOST_UNREAD].count()


def one_line(text: str) -> str:
    """*text* without line breaks and control characters: it may stand in a header."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
