"""What is due by the clock: keys moved to newer wrapping keys, and which ones nothing needs any more.

Everything goes in steps of a limited size, each a transaction of its own; a step that was cut off has
not happened, and the next run goes on where it stopped.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from crypto_core import suite
from crypto_core.cache import Key
from crypto_core.keyring import KeyRing
from crypto_core.models import ConversationKey, KeyState, TenantKey
from crypto_core.suite import Scope
from crypto_core.wrapping import WRAP

INGRESS_KEPT = timedelta(days=7)  # after its retirement; no cache holds a key for so long


@dataclass(frozen=True, slots=True)
class Progress:
    """What one step did, and where the next one begins; None when this was the last."""

    moved: Counter[UUID] = field(default_factory=Counter)  # keys by tenant
    failed: list[str] = field(default_factory=list)
    after: str | None = None


def rewrap(ring: KeyRing, limit: int, after: str) -> Progress:
    """Wrap up to *limit* keys of conversations, after the id *after*, with their tenants' newest.

    Those that another transaction holds are left for another time, and so are those that do not
    unwrap: they are told, and stand as they were.
    """
    with transaction.atomic():
        rows = list(_behind().filter(pk__gt=after).order_by("pk")[:limit])
        if not rows:
            return Progress()
        keys = ring.unwrap(rows)
        scopes = {Scope(row.tenant_id, WRAP) for row in rows}
        parents = ring.active_many(scopes)
        moved, failed = [], []
        for row in rows:
            key, parent = keys[row.id], parents[Scope(row.tenant_id, WRAP)]
            if not isinstance(key, Key) or not isinstance(parent, Key):
                failed.append(row.id)
                continue
            row.wrapped = suite.wrap(
                parent.material, parent.id, key.material, row.scope.bind(row.id)
            )
            row.parent_id = parent.id
            moved.append(row)
        ConversationKey.objects.bulk_update(moved, ["parent_id", "wrapped"])
    return Progress(Counter(row.tenant_id for row in moved), failed, rows[-1].id)


def idle_ingress_keys() -> list[str]:
    """The ids of ingress keys that have been retired for so long that nothing new is under them."""
    rows = _retired_ingress().filter(retired_at__lte=timezone.now() - INGRESS_KEPT)
    return list(rows.order_by("retired_at").values_list("pk", flat=True))


def lock_retired(kid: str) -> bool:
    """Whether the ingress key *kid* is retired and, until the caller's transaction ends, stays so."""
    return _retired_ingress().filter(pk=kid).select_for_update().exists()


def _retired_ingress() -> QuerySet[TenantKey]:
    return TenantKey.objects.filter(state=KeyState.RETIRED, purpose=TenantKey.Purpose.INGRESS)


def _behind() -> QuerySet[ConversationKey]:
    """Keys under a wrapping key that wraps no more, locked."""
    retired = TenantKey.objects.filter(state=KeyState.RETIRED, purpose=WRAP)
    rows = ConversationKey.objects.filter(parent_id__in=retired.values("pk"))
    return rows.exclude(state=KeyState.DESTROYED).select_for_update(skip_locked=True, of=("self",))
