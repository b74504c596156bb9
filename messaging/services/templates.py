"""The texts of notifications: a new one is a new version, and who wrote it is in the trail."""

from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max, Q

from messaging import audit
from messaging.models import SYSTEM, NotificationTemplate, Tenant, User
from messaging.notifications.texts import PLAIN, TITLE, Template

RACES = 3  # so many others may write a version of the same text at the same moment
SAMPLE_SENDER, SAMPLE_UNREAD = "Dr. Weiss", 3


def save_version(
    *, actor: User, tenant_id: UUID | None, channel: str, type: str, subject: str, body: str
) -> NotificationTemplate:
    """The next version of a text, which holds from now on. Raises ValidationError for a bad one."""
    row = NotificationTemplate(
        tenant_id=tenant_id, channel=channel, type=type, subject=subject, body=body
    )
    for left in reversed(range(RACES)):
        try:
            return _save(actor, row)
        except IntegrityError:
            if not left:
                raise
    raise AssertionError("not reached")


@transaction.atomic
def _save(actor: User, row: NotificationTemplate) -> NotificationTemplate:
    owned = Q(tenant_id=row.tenant_id) if row.tenant_id else Q(tenant=None)
    same = NotificationTemplate.objects.filter(owned, channel=row.channel, type=row.type)
    row.version = (same.aggregate(last=Max("version"))["last"] or 0) + 1
    row.save()
    audit.record(
        tenant_id=row.tenant_id or Tenant.objects.get(slug=SYSTEM).pk,
        actor_id=actor.pk,
        action="template.saved",
        target_type="template",
        target_id=row.pk,
        channel=row.channel,
        type=row.type,
        version=row.version,
    )
    return row


def preview(subject: str, body: str) -> tuple[str, str]:
    """What a person would read, with made-up values in the places of the names."""
    template = Template(subject or TITLE, body or PLAIN, "preview")
    return template.render(sender=SAMPLE_SENDER, unread=SAMPLE_UNREAD)
