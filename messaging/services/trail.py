"""Reading the audit trail, for security officers; who reads it stands in it (S132)."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from messaging import audit
from messaging.errors import Forbidden
from messaging.models import SYSTEM, AuditEvent, User
from messaging.rendering import timestamp

PERMISSION = "messaging.view_auditevent"
SKEW = 60_000  # milliseconds between an id's time and its row's, at the very most
COLUMNS = {"id", "tenant", "actor", "action", "target", "at"}  # of the body; the rest are facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What is asked for; None: any."""

    actor: UUID | None = None
    action: str | None = None
    target: str | None = None
    since: datetime | None = None
    until: datetime | None = None  # exclusive

    def facts(self) -> dict[str, object]:
        """What the trail says of a reading: ids, codes and times."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in values.items() if value is not None}


def read(user: User, filters: Filters, *, limit: int, before: UUID | None) -> list[dict[str, Any]]:
    """The rows that *filters* let through, the youngest first, at most *limit*, below id *before*.

    Of the reader's tenant; for officers of the operators' tenant, of all. Raises Forbidden for
    whoever is no security officer, which is audited too.
    """
    officer = User.objects.select_related("tenant").get(pk=user.pk)  # permissions are read afresh
    if not officer.has_perm(PERMISSION):
        _record(officer, "audit.refused", filters)
        raise Forbidden("For security officers.")
    return _read(officer, filters, limit, before)


@transaction.atomic
def _read(officer: User, filters: Filters, limit: int, before: UUID | None) -> list[dict[str, Any]]:
    rows = _chosen(_visible(officer), filters)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = [view(row) for row in rows.order_by("-pk")[:limit]]
    _record(officer, "audit.read", filters, rows=len(found))
    return found


def _visible(officer: User) -> QuerySet[AuditEvent]:
    rows = AuditEvent.objects.all()
    return rows if officer.tenant.slug == SYSTEM else rows.filter(tenant_id=officer.tenant_id)


def _chosen(rows: QuerySet[AuditEvent], filters: Filters) -> QuerySet[AuditEvent]:
    """Those of *rows* that are asked for. Ids are times: a period is a range of the key."""
    equal = {
        "actor_id": filters.actor,
        "action": filters.action,
        "target_id": filters.target,
        "at__gte": filters.since,
        "at__lt": filters.until,
    }
    if filters.since:
        equal["pk__gte"] = id_at(filters.since, -SKEW)
    if filters.until:
        equal["pk__lt"] = id_at(filters.until, SKEW)
    return rows.filter(**{name: value for name, value in equal.items() if value is not None})


def id_at(moment: datetime, shift: int) -> UUID:
    """The lowest id of *moment*, *shift* milliseconds later."""
    return UUID(int=max(int(moment.timestamp() * 1000) + shift, 0) << 80)


def view(row: AuditEvent) -> dict[str, Any]:
    """One row as it is shown: ids, codes, counts and hashes."""
    body = json.loads(row.body)
    return {
        "id": str(row.pk),
        "tenantId": str(row.tenant_id),
        "actorId": str(row.actor_id) if row.actor_id else None,
        "action": row.action,
        "targetType": row.target_type,
        "targetId": row.target_id,
        "at": timestamp(row.at),
        "facts": {name: value for name, value in body.items() if name not in COLUMNS},
    }


def _record(officer: User, action: str, filters: Filters, **facts: object) -> None:
    audit.record(
        tenant_id=officer.tenant_id,
        actor_id=officer.pk,
        action=action,
        target_type="audit",
        target_id="all" if officer.tenant.slug == SYSTEM else officer.tenant_id,
        filters=filters.facts(),
        **facts,
    )
