"""What every table of messaging has: an id made in Python and its tenant."""

from uuid import UUID

from django.db import models

from queueing.ids import uuid7


class NamedIndex(models.Index):
    """An index with a name as long as PostgreSQL allows; Django's limit of 30 is Oracle's."""

    max_name_length = 63


class Identified(models.Model):
    """A row with a UUIDv7 id, which sorts by creation and is known before the INSERT."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    class Meta:
        abstract = True


class Owned(Identified):
    """A row of one tenant, for queries and, as the second wall, row-level security."""

    tenant_id: UUID
    # Many rows, written in bulk: no look-up per row for what is never deleted.
    tenant = models.ForeignKey(
        "messaging.Tenant",
        on_delete=models.PROTECT,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )

    class Meta:
        abstract = True
