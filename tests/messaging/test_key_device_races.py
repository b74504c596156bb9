"""Two who change the same person's devices at the same moment."""

from typing import Any

import pytest
from django.utils import timezone

from crypto_core.models import ConversationKey, Device, KeyState
from messaging.errors import Conflict, NotFound
from messaging.models import Message, User
from messaging.services import key_devices, session_keys
from messaging.services.sending import Draft, send_direct
from queueing.testing import work_all
from tests.crypto_core.threads import together
from tests.keypairs import public

pytestmark = pytest.mark.django_db(transaction=True)


def devices(owner: User, number: int, state: str) -> list[Device]:
    now = timezone.now()
    return Device.objects.bulk_create(
        Device(
            tenant_id=owner.tenant_id, owner_id=owner.pk, label="x", jwk=public(),
            thumbprint=str(each), state=state, challenge=b"", challenge_expires_at=now,
            created_at=now,
        )
        for each in range(number)
    )  # fmt: skip


def test_two_at_once_cannot_both_be_the_tenth(bob: User) -> None:
    devices(bob, 9, "active")

    def register(name: str) -> Any:
        return lambda: key_devices.register(owner=bob, label=name, jwk=public(name))

    results = together(register("one"), register("two"))

    assert sorted(type(result) for result in results if not isinstance(result, dict)) == [Conflict]
    assert Device.objects.exclude(state="revoked").count() == 10


def test_a_key_is_released_before_a_device_is_revoked_and_then_retired_or_not_at_all(
    alice: User, bob: User
) -> None:
    answer = send_direct(
        sender=alice, recipient_id=bob.pk, draft=Draft(content="Hello", encrypted=True)
    )
    work_all()
    row = Message.objects.get(pk=answer.body["message"]["id"])
    [device] = devices(bob, 1, "active")

    given, _ = together(
        lambda: session_keys.release(
            bob, row.conversation_id, key_id=row.key_id or "", device_id=device.pk
        ),
        lambda: key_devices.revoke(owner=bob, device_id=device.pk),
    )

    state = ConversationKey.objects.get(pk=row.key_id).state
    if isinstance(given, dict):
        assert state == KeyState.RETIRED
    else:
        assert isinstance(given, NotFound) and state == KeyState.ACTIVE
