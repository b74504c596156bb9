"""The upkeep of keys, once an hour: what is due is retired, moved to newer keys, or destroyed.

A chunk is one transaction, and asks again under its locks whether it is still due; a run that is cut
off is gone on with by the next. Nothing waits for it: whoever seals looks at a key's age itself, so a
run that is late costs nothing but the time for which an idle key counts as active.
"""

import time
from collections.abc import Iterator
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Model

from messaging import audit, keystore
from messaging.models import SYSTEM, Conversation, DevicePushToken, Message, Tenant
from queueing.errors import Permanent
from queueing.jobs import Claimed, Outcome, job
from queueing.periodic import periodic
from queueing.queues import CLEANUP

BUDGET = 300.0  # seconds of one run, of the 600 that the queue gives
CHUNK = 200  # rows of one transaction

# Rows that may be under an ingress key, by the column that names it.
UNDER_INGRESS: tuple[tuple[type[Model], str], ...] = (
    (Message, "key_id"),
    (DevicePushToken, "key_id"),
)

Counts = dict[str, int]


@job(queue=CLEANUP, name="maintain-keys", external=True)
def maintain(claimed: Claimed) -> Outcome:
    """All of it, as far as the time goes."""
    counts, broken = upkeep(time.monotonic() + BUDGET)
    if broken:
        raise Permanent(f"{len(broken)} keys do not unwrap", code="keys-unreadable")
    return Outcome(result={"success": True, **counts})


@periodic("keys.maintain", queue=CLEANUP)
def schedule() -> dict[str, object]:
    """Have it done; the id of the job."""
    operators, _ = Tenant.objects.get_or_create(slug=SYSTEM, defaults={"name": "Operators"})
    return {"jobId": maintain.enqueue(tenant_id=operators.pk, args={})}


def upkeep(until: float) -> tuple[Counts, list[str]]:
    """What was done before the clock says *until*, and the ids of keys that could not be moved."""
    broken: list[str] = []
    counts = {
        "retired": _total(iter(lambda: keystore.retire_due(CHUNK), 0), until),
        "worn": _total(_worn(), until),
        "rewrapped": _total(_rewrapped(broken), until),
        "destroyed": _total(_unused(), until),
        "registrations": _total(iter(lambda: keystore.forget_stale_devices(CHUNK), 0), until),
    }
    return counts, broken


def _total(chunks: Iterator[int], until: float) -> int:
    """What *chunks* did, one after the other for as long as there is time."""
    total = 0
    for done in chunks:
        total += done
        if time.monotonic() >= until:
            break
    return total


def _worn() -> Iterator[int]:
    """Retire the keys that have sealed as many messages as one may; a chunk of conversations each.

    A conversation with fewer events than that cannot have such a key, so few are looked at.
    """
    most, after = settings.CRYPTO_SESSION_MESSAGES, UUID(int=0)
    while "content" in settings.CRYPTO_MAX_AGE:  # else keys are replaced on demand only
        busy = Conversation.objects.filter(pk__gt=after, head_seq__gte=most).order_by("pk")
        ids = list(busy.values_list("pk", flat=True)[:CHUNK])
        if not ids:
            return
        after = ids[-1]
        worn = [kid for kid in keystore.active_session_keys(ids) if _sealed(kid, most)]
        yield keystore.retire(worn, "messages") if worn else 0


def _sealed(kid: str, most: int) -> bool:
    """Whether at least *most* messages stand under the key; counted in the index."""
    return Message.objects.filter(key_id=kid).values("pk")[:most].count() >= most


def _unused() -> Iterator[int]:
    """Destroy the ingress keys that nothing needs any more, each in a transaction of its own."""
    idle = keystore.idle_ingress_keys()
    for start in range(0, len(idle), CHUNK):
        chunk = idle[start : start + CHUNK]
        needed = _needed(chunk)
        for kid in chunk:
            if kid not in needed:
                yield _destroy(kid)


@transaction.atomic
def _destroy(kid: str) -> int:
    """Destroy the key, if that is still right once nobody else can change its state."""
    if not keystore.lock_retired(kid) or _needed([kid]):
        return 0
    return int(keystore.destroy(kid, "nothing is under it"))


def _needed(kids: list[str]) -> set[str]:
    """Those of *kids* that a row still stands under."""
    found: set[str] = set()
    for model, column in UNDER_INGRESS:
        rows = model._default_manager.filter(**{f"{column}__in": kids})
        found |= set(rows.values_list(column, flat=True).distinct())
    return found


def _rewrapped(broken: list[str]) -> Iterator[int]:
    """Move conversations' keys to their tenants' newest; those that do not unwrap go to *broken*."""
    after: str | None = ""
    while after is not None:
        done, failed, after = _rewrap(after)
        broken += failed
        yield done


@transaction.atomic
def _rewrap(after: str) -> tuple[int, list[str], str | None]:
    """Move one chunk of conversations' keys to their tenants' newest, and write that down."""
    step = keystore.rewrap(CHUNK, after)
    audit.record_many(
        [
            audit.Entry(
                tenant_id=tenant,
                actor_id=None,
                action="keys.rewrapped",
                target_type="tenant",
                target_id=tenant,
                facts={"keys": number},
            )
            for tenant, number in step.moved.items()
        ]
    )
    return step.moved.total(), step.failed, step.after
