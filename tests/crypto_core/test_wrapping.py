"""Keys at rest: wrapped, checked when unwrapped, gone when destroyed."""

import json
from uuid import uuid4

import pytest
from django.db import IntegrityError

from crypto_core import suite
from crypto_core.errors import (
    KeyDestroyed,
    KeyMismatch,
    KeyNotFound,
    KeyringInvalid,
    ProviderUnavailable,
)
from crypto_core.keyring import KeyRing
from crypto_core.models import ConversationKey, KeyState, TenantKey
from crypto_core.suite import Scope
from crypto_core.wrapping import rewrap

pytestmark = pytest.mark.django_db(transaction=True)


def test_wrapped_keys_that_were_swapped_are_refused(ring, scope):
    other = Scope(scope.tenant, "content", uuid4())
    rows = [ConversationKey.objects.get(pk=ring.active(one).id) for one in (scope, other)]
    for row, wrapped in zip(rows, [rows[1].wrapped, rows[0].wrapped], strict=True):
        ConversationKey.objects.filter(pk=row.pk).update(wrapped=wrapped)

    found = KeyRing().find([row.pk for row in rows])

    assert all(isinstance(error, KeyMismatch) for error in found.values())


@pytest.mark.parametrize(
    "change",
    [
        {"tenant_id": uuid4()},
        {"conversation_id": uuid4()},
        {"purpose": "index"},
        {"wrapped": bytes(60)},
        {"wrapped": b"short"},
    ],
)
def test_a_row_that_was_moved_or_damaged_is_refused(ring, scope, change):
    kid = ring.active(scope).id
    ConversationKey.objects.filter(pk=kid).update(**change)

    assert isinstance(KeyRing().find([kid])[kid], KeyMismatch)


def test_a_key_under_another_tenants_key_is_refused(ring, scope):
    foreign = ring.active(Scope(uuid4(), "wrap")).id
    kid = ring.active(scope).id
    ConversationKey.objects.filter(pk=kid).update(parent_id=foreign)

    assert isinstance(KeyRing().find([kid])[kid], KeyMismatch)


def test_material_that_its_id_does_not_name_is_refused_even_if_well_wrapped(ring, scope):
    kid, parent = ring.active(scope).id, ring.active(Scope(scope.tenant, "wrap"))
    other = suite.wrap(parent.material, parent.id, bytes(32), scope.bind(kid))
    ConversationKey.objects.filter(pk=kid).update(wrapped=other)

    assert isinstance(KeyRing().find([kid])[kid], KeyMismatch)


def test_a_key_that_another_tenants_key_wraps_well_is_refused(ring, scope):
    key, foreign = ring.active(scope), ring.active(Scope(uuid4(), "wrap"))
    blob = suite.wrap(foreign.material, foreign.id, key.material, scope.bind(key.id))
    ConversationKey.objects.filter(pk=key.id).update(wrapped=blob, parent_id=foreign.id)

    assert isinstance(KeyRing().find([key.id])[key.id], KeyMismatch)


def test_one_tenants_broken_keys_are_no_others_trouble(ring, scope):
    broken = Scope(uuid4(), "wrap")
    ring.active(broken)
    TenantKey.objects.filter(tenant_id=broken.tenant).update(wrapped=bytes(60))
    theirs = Scope(broken.tenant, "content", uuid4())

    found = KeyRing().active_many([theirs, scope])

    assert isinstance(found[theirs], KeyMismatch)
    assert found[scope].scope == scope


def test_destroying_a_tenants_wrapping_key_takes_its_conversations_along(ring, scope):
    kid = ring.active(scope).id
    ring.destroy(ring.active(Scope(scope.tenant, "wrap")).id, "the tenant left")

    assert isinstance(KeyRing().find([kid])[kid], KeyDestroyed)


def test_an_unknown_key_cannot_be_destroyed(ring):
    with pytest.raises(KeyNotFound):
        ring.destroy("A" * 43, "test")


def test_the_database_refuses_half_destroyed_and_second_active_keys(ring, scope):
    kid = ring.active(scope).id
    row = ConversationKey.objects.get(pk=kid)

    with pytest.raises(IntegrityError):
        ConversationKey.objects.filter(pk=kid).update(state=KeyState.DESTROYED)
    with pytest.raises(IntegrityError):
        ConversationKey.objects.filter(pk=kid).update(wrapped=None)
    row.pk = "B" * 43
    with pytest.raises(IntegrityError):
        row.save(force_insert=True)


@pytest.mark.parametrize("keyring", ["", "{}"])
def test_without_a_keyring_nothing_is_made_and_trying_again_may_help(
    ring, scope, settings, keyring
):
    settings.CRYPTO_KEYRING = keyring

    with pytest.raises(KeyringInvalid) as caught:
        ring.active(scope)

    assert caught.value.retryable
    assert not ConversationKey.objects.exists() and not TenantKey.objects.exists()


def test_an_entry_may_leave_the_keyring_once_nothing_is_wrapped_with_it(ring, scope, settings):
    key, first = ring.active(scope), settings.CRYPTO_KEYRING
    second = {"second": "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="}
    settings.CRYPTO_KEYRING = json.dumps(json.loads(first) | second)

    assert rewrap() == 3
    assert rewrap() == 0
    settings.CRYPTO_KEYRING = json.dumps(second)
    assert KeyRing().find([key.id])[key.id].material == key.material

    settings.CRYPTO_KEYRING = first
    assert isinstance(KeyRing().find([key.id])[key.id], ProviderUnavailable)
