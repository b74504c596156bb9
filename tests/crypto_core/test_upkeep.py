"""What is due by the clock: keys under newer keys, ingress keys that nothing needs."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from crypto_core import upkeep
from crypto_core.keyring import KeyRing
from crypto_core.models import ConversationKey, KeyState, TenantKey
from crypto_core.suite import Scope

pytestmark = pytest.mark.django_db(transaction=True)
DAYS = timedelta(days=1)


def conversations(ring: KeyRing, tenant, number: int) -> list[str]:
    return [ring.active(Scope(tenant, "content", uuid4())).id for _ in range(number)]


def replace_wrap_key(ring: KeyRing, tenant) -> str:
    return ring.rotate(Scope(tenant, "wrap"), "test")


def parents(kids: list[str]) -> set[str]:
    return set(ConversationKey.objects.filter(pk__in=kids).values_list("parent_id", flat=True))


@pytest.mark.req("S63")
def test_conversations_keys_move_to_the_newest_wrap_key_and_stay_what_they_were(ring):
    tenant = uuid4()
    kids = conversations(ring, tenant, 3)
    before = {kid: bytes(key.material) for kid, key in ring.find(kids).items()}
    newest = replace_wrap_key(ring, tenant)

    step = upkeep.rewrap(ring, 100, "")

    fresh = KeyRing().find(kids)
    assert (step.moved, step.failed) == ({tenant: 3}, [])
    assert parents(kids) == {newest}
    assert {kid: bytes(key.material) for kid, key in fresh.items()} == before


def test_moving_goes_in_steps_and_goes_on_where_it_was_cut_off(ring):
    tenant = uuid4()
    kids = sorted(conversations(ring, tenant, 5))
    newest = replace_wrap_key(ring, tenant)

    first = upkeep.rewrap(ring, 2, "")
    assert (first.moved.total(), first.after) == (2, kids[1])
    rest = upkeep.rewrap(KeyRing(), 100, "")

    assert rest.moved.total() == 3 and parents(kids) == {newest}
    assert upkeep.rewrap(ring, 100, "").after is None


def test_a_key_that_does_not_unwrap_is_told_and_harms_no_other(ring):
    tenant = uuid4()
    kids = conversations(ring, tenant, 3)
    ConversationKey.objects.filter(pk=kids[1]).update(wrapped=bytes(60))
    replace_wrap_key(ring, tenant)

    step = upkeep.rewrap(KeyRing(), 100, "")

    assert (step.moved.total(), step.failed) == (2, [kids[1]])
    assert bytes(ConversationKey.objects.get(pk=kids[1]).wrapped) == bytes(60)


def test_keys_of_two_tenants_move_each_to_their_own(ring):
    one, two = uuid4(), uuid4()
    kids = {tenant: conversations(ring, tenant, 1) for tenant in (one, two)}
    newest = {tenant: replace_wrap_key(ring, tenant) for tenant in (one, two)}

    upkeep.rewrap(ring, 100, "")

    assert {tenant: parents(kids[tenant]) for tenant in kids} == {
        tenant: {newest[tenant]} for tenant in kids
    }


@pytest.mark.req("S63")
def test_keys_that_are_too_old_are_retired_though_nobody_uses_them(ring):
    tenant = uuid4()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        [old] = conversations(ring, tenant, 1)
        clock.shift(7 * DAYS - timedelta(seconds=1))
        [young] = conversations(ring, tenant, 1)
        ingress = TenantKey.objects.get(tenant_id=tenant, purpose="ingress").id
        clock.shift(1)

        retired = KeyRing().retire_due(100)

    assert retired == 2
    assert ConversationKey.objects.get(pk=old).state == KeyState.RETIRED
    assert TenantKey.objects.get(pk=ingress).state == KeyState.RETIRED
    assert ConversationKey.objects.get(pk=young).state == KeyState.ACTIVE


def test_retiring_goes_in_steps(ring):
    tenant = uuid4()
    conversations(ring, tenant, 5)
    ConversationKey.objects.update(created_at=timezone.now() - 8 * DAYS)

    assert [ring.retire_due(2) for _ in range(4)] == [2, 2, 1, 0]


def test_a_retired_key_is_replaced_by_the_next_use(ring, scope):
    old = ring.active(scope).id

    assert ring.retire([old], "test") == [old]
    assert ring.retire([old], "test") == []

    assert ring.active(scope).id != old
    assert ring.find([old])[old].id == old


def test_without_rotation_nothing_is_retired_for_its_age(ring, scope, settings):
    settings.CRYPTO_MAX_AGE = {}
    ring.active(scope)
    ConversationKey.objects.update(created_at=timezone.now() - 4000 * DAYS)

    assert ring.retire_due(100) == 0


def test_an_ingress_key_is_idle_seven_days_after_it_was_retired(ring):
    scope = Scope(uuid4(), "ingress")
    with time_machine.travel(timezone.now(), tick=False) as clock:
        old = ring.active(scope).id
        ring.rotate(scope, "test")
        clock.shift(7 * DAYS - timedelta(seconds=1))
        assert upkeep.idle_ingress_keys() == []
        clock.shift(1)
        assert upkeep.idle_ingress_keys() == [old]


def test_only_a_retired_ingress_key_can_be_locked_for_its_end(ring):
    tenant = uuid4()
    ingress, wrap = Scope(tenant, "ingress"), Scope(tenant, "wrap")
    old = {scope: ring.active(scope).id for scope in (ingress, wrap)}
    new = {scope: ring.rotate(scope, "test") for scope in (ingress, wrap)}

    with transaction.atomic():
        assert upkeep.lock_retired(old[ingress])
        assert not upkeep.lock_retired(new[ingress])
        assert not upkeep.lock_retired(old[wrap])
