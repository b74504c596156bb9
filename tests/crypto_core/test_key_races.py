"""Keys that several want at the same moment: one is made, and nobody waits for ever."""

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from crypto_core.keyring import KeyRing
from crypto_core.models import ConversationKey, KeyState, TenantKey
from crypto_core.suite import Scope
from tests.crypto_core.threads import together

pytestmark = pytest.mark.django_db(transaction=True)
DAYS = timedelta(days=1)


def test_those_who_need_a_key_at_the_same_moment_get_the_same_one(scope):
    keys = together(*[lambda: KeyRing().active(scope).id for _ in range(4)])

    assert len(set(keys)) == 1
    assert ConversationKey.objects.filter(conversation_id=scope.conversation).count() == 1
    assert TenantKey.objects.filter(tenant_id=scope.tenant).count() == 3


def test_transactions_that_need_the_same_keys_in_different_order_do_not_block_each_other():
    tenant = uuid4()
    scopes = [Scope(tenant, "content", uuid4()) for _ in range(6)]

    def make(order: list[Scope], first: str) -> set[str]:
        ring = KeyRing()
        with transaction.atomic():
            ring.active(Scope(tenant, first))
            return {str(key) and key.id for key in ring.active_many(order).values()}

    found = together(lambda: make(scopes, "audit"), lambda: make(scopes[::-1], "ingress"))

    assert found[0] == found[1] and len(found[0]) == 6


def test_an_old_key_is_replaced_once_however_many_notice(scope):
    old = KeyRing().active(scope).id
    ConversationKey.objects.update(created_at=timezone.now() - 8 * DAYS)

    keys = together(*[lambda: KeyRing().active(scope).id for _ in range(4)])

    assert len(set(keys)) == 1 and keys[0] != old
    assert ConversationKey.objects.count() == 2


def test_everyone_who_rotates_gets_a_key_of_their_own(scope):
    KeyRing().active(scope)

    kids = together(*[lambda: KeyRing().rotate(scope, "test") for _ in range(3)])

    assert len(set(kids)) == 3 and all(isinstance(kid, str) for kid in kids)
    assert ConversationKey.objects.filter(state=KeyState.ACTIVE).count() == 1


def test_a_locked_key_cannot_be_retired_before_the_transaction_ends(ring, scope):
    ring.active(scope)
    seen = []

    def rotate() -> None:
        KeyRing().rotate(scope, "test")
        seen.append("rotated")
        connection.close()

    thread = threading.Thread(target=rotate)
    with transaction.atomic():
        key = ring.active_many([scope], locked=True)[scope]
        thread.start()
        thread.join(0.3)
        seen.append("committed")
    thread.join()

    assert seen == ["committed", "rotated"]
    with transaction.atomic():
        assert ring.active_many([scope], locked=True)[scope].id != key.id


def test_what_the_cache_holds_does_not_decide_which_key_is_locked(ring, scope):
    cached = ring.active(scope).id
    elsewhere = KeyRing().rotate(scope, "in another process")

    with transaction.atomic():
        locked = ring.active_many([scope], locked=True)[scope].id

    assert (ring.active(scope).id, locked) == (elsewhere, elsewhere) != (cached, cached)


def test_two_who_hold_the_same_old_key_can_both_replace_it(scope):
    KeyRing().active(scope)
    ConversationKey.objects.update(created_at=timezone.now() - 8 * DAYS)

    def lock() -> str:
        with transaction.atomic():
            return KeyRing().active_many([scope], locked=True)[scope].id

    kids = together(lock, lock)

    assert len(set(kids)) == 1 and isinstance(kids[0], str)
