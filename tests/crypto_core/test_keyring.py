"""The life of keys in PostgreSQL: made once, replaced when old, opened for ever."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from crypto_core import signals
from crypto_core.errors import (
    CryptoError,
    KeyNotFound,
)
from crypto_core.keyring import KeyRing
from crypto_core.models import ConversationKey, KeyState, TenantKey
from crypto_core.suite import Scope

pytestmark = pytest.mark.django_db(transaction=True)
DAYS = timedelta(days=1)


def test_a_tenants_keys_are_made_together_when_the_first_is_needed(ring):
    tenant = uuid4()

    key = ring.active(Scope(tenant, "ingress"))

    keys = TenantKey.objects.filter(tenant_id=tenant)
    assert sorted(row.purpose for row in keys) == ["audit", "ingress", "wrap"]
    assert key.id == keys.get(purpose="ingress").id


@pytest.mark.req("S70")
def test_keys_stand_wrapped_in_the_database(ring, scope):
    key = ring.active(scope)

    row = ConversationKey.objects.get(pk=key.id)
    assert row.parent_id == TenantKey.objects.get(tenant_id=scope.tenant, purpose="wrap").id
    assert len(row.wrapped) == 60 and bytes(key.material) not in bytes(row.wrapped)


@pytest.mark.req("S63", "D6")
def test_an_old_session_key_seals_no_more_but_opens(ring, scope):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        old = ring.active(scope)
        clock.shift(7 * DAYS - timedelta(seconds=1))
        assert ring.active(scope).id == old.id

        clock.shift(1)
        new = ring.active(scope)

    assert new.id != old.id
    assert ring.find([old.id])[old.id].material == old.material
    row = ConversationKey.objects.get(pk=old.id)
    assert row.state == KeyState.RETIRED and row.retired_at


@pytest.mark.parametrize(
    ("purpose", "lifetime"), [("ingress", timedelta(hours=24)), ("wrap", 365 * DAYS)]
)
def test_a_tenants_keys_have_their_own_lifetimes(ring, purpose, lifetime):
    scope = Scope(uuid4(), purpose)

    with time_machine.travel(timezone.now(), tick=False) as clock:
        old = ring.active(scope).id
        clock.shift(lifetime - timedelta(seconds=1))
        assert ring.active(scope).id == old
        clock.shift(1)
        assert ring.active(scope).id != old


@pytest.mark.req("D6")
def test_a_conversations_key_opens_after_its_tenants_key_was_replaced(ring, scope):
    key = ring.active(scope)
    TenantKey.objects.update(created_at=timezone.now() - 366 * DAYS)
    fresh = KeyRing()

    other = fresh.active(Scope(scope.tenant, "content", uuid4()))

    rows = ConversationKey.objects.in_bulk([key.id, other.id])
    assert rows[key.id].parent_id != rows[other.id].parent_id
    assert fresh.find([key.id])[key.id].material == key.material


def test_without_rotation_age_does_not_matter(ring, scope, settings):
    settings.CRYPTO_MAX_AGE = {}
    key = ring.active(scope).id

    with time_machine.travel(timezone.now() + 4000 * DAYS):
        assert KeyRing().active(scope).id == key


@pytest.mark.req("S63")
def test_rotating_replaces_the_key_at_once(ring, scope):
    old = ring.active(scope)

    new = ring.rotate(scope, "a member left")

    assert ring.active(scope).id == new != old.id
    assert ring.find([old.id])[old.id].material == old.material


def test_a_key_that_a_rollback_took_back_is_not_remembered(ring, scope):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        phantom = ring.active(scope).id
        _ = 1 / 0

    assert ring.active(scope).id != phantom
    assert isinstance(ring.find([phantom])[phantom], KeyNotFound)


def test_a_rotation_that_was_rolled_back_has_not_happened(ring, scope):
    old = ring.active(scope).id

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        phantom = ring.rotate(scope, "test")
        assert ring.active(scope).id == phantom
        _ = 1 / 0

    assert ring.active(scope).id == old


def test_keys_made_in_a_transaction_are_remembered_when_it_commits(
    ring, scope, django_assert_num_queries
):
    with transaction.atomic():
        key = ring.active(scope).id

    with django_assert_num_queries(0):
        assert ring.active(scope).id == key


@pytest.mark.req("S62")
def test_bypassing_the_cache_leaves_it_as_it_was(ring, scope, django_assert_num_queries):
    KeyRing().active(scope)

    ring.active(scope, use_cache=False)
    with django_assert_num_queries(2):
        ring.active(scope)
    with django_assert_num_queries(2):
        ring.active(scope, use_cache=False)
    with django_assert_num_queries(0):
        ring.active(scope)


@pytest.mark.req("S136", "S138")
@pytest.mark.parametrize(
    ("variable", "value"), [("CRYPTO_CACHE_SIZE", 0), ("CRYPTO_CACHE_SECONDS", 0)]
)
def test_the_settings_of_the_cache_take_effect(
    scope, settings, variable, value, django_assert_num_queries
):
    setattr(settings, variable, value)
    ring = KeyRing()
    ring.active(scope)

    with django_assert_num_queries(1 if variable == "CRYPTO_CACHE_SECONDS" else 2):
        ring.active(scope)


def test_what_happens_to_keys_is_told_inside_the_transaction(ring, scope):
    told: list[tuple[str, Scope, str, bool]] = []

    def listen(name):
        def hear(*, scope, key_id, reason, **_):
            told.append((name, scope, reason, connection.in_atomic_block))
            ring.active(Scope(scope.tenant, "audit"))

        return hear

    hears = {name: listen(name) for name in ("key_created", "key_rotated", "key_destroyed")}
    for name, hear in hears.items():
        getattr(signals, name).connect(hear)
    try:
        ring.active(scope)
        ring.destroy(ring.rotate(scope, "test"), "retention")
    finally:
        for name, hear in hears.items():
            getattr(signals, name).disconnect(hear)

    tenant = [
        ("key_created", Scope(scope.tenant, name), "first use", True) for name in TenantKey.Purpose
    ]
    assert told[:3] == tenant
    assert told[3:] == [
        ("key_created", scope, "first use", True),
        ("key_rotated", scope, "test", True),
        ("key_destroyed", scope, "retention", True),
    ]


def test_an_error_of_the_ring_says_nothing_but_its_code_and_an_id(ring):
    error = ring.find(["A" * 43])["A" * 43]

    assert isinstance(error, CryptoError)
    assert str(error) == "key-not-found: " + "A" * 43
