"""The upkeep of keys as a job: what is worn out, unused or behind is dealt with, and in the trail."""

import json
import time
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.utils import timezone

from config.schedule import SCHEDULE
from crypto_core.models import ConversationKey, Device, KeyState, TenantKey
from messaging import encryption, keys, keystore
from messaging.models import AuditEvent, Conversation, DevicePushToken, Message, User
from messaging.services import devices
from messaging.services.sending import Draft, send_direct
from queueing import periodic
from queueing.models import Job
from queueing.testing import work_all

pytestmark = pytest.mark.django_db(transaction=True)
DAYS = timedelta(days=1)

# Columns that name a key of another kind than an ingress key.
OTHER_KEYS = {
    ("Conversation", "title_key_id"): "the conversation's",
    ("AuditEvent", "key_id"): "the tenant's audit key",
    ("MessageSearch", "key_id"): "the conversation's index key",
}


def send(alice: User, bob: User, text: str = "Hello", **more: Any) -> Message:
    answer = send_direct(
        sender=alice, recipient_id=bob.pk, draft=Draft(content=text, encrypted=True, **more)
    )
    return Message.objects.get(pk=answer.body["message"]["id"])


def stored(row: Message) -> Message:
    return Message.objects.get(pk=row.pk)


def run() -> dict[str, int]:
    """One run of the job; what it has counted."""
    keys.schedule()
    work_all()
    job = Job.objects.filter(kind="maintain-keys").latest("id")
    assert job.state == Job.State.COMPLETED, job.error
    found: dict[str, int] = job.result
    return found


def retire_long_ago(kid: str | None) -> None:
    """Let the key have been retired for longer than an unused one is kept."""
    past = timezone.now() - 8 * DAYS
    TenantKey.objects.filter(pk=kid).update(state=KeyState.RETIRED, retired_at=past)


def test_the_clock_has_it_done_once_an_hour() -> None:
    [line] = [line for line in SCHEDULE if line.name == "keys.maintain"]

    assert line.period == 3600
    assert "keys.maintain" in periodic.names()
    assert periodic.run("keys.maintain", timezone.now())
    assert Job.objects.filter(kind="maintain-keys").count() == 1


@pytest.mark.req("S63")
def test_a_key_that_has_sealed_its_number_of_messages_is_retired(
    alice: User, bob: User, settings: Any
) -> None:
    settings.CRYPTO_SESSION_MESSAGES = 3
    rows = [send(alice, bob) for _ in range(2)]
    work_all()
    assert run()["worn"] == 0
    rows.append(send(alice, bob))
    work_all()

    assert run()["worn"] == 1

    last = send(alice, bob)
    work_all()
    assert len({stored(row).key_id for row in rows}) == 1
    assert stored(last).key_id != stored(rows[0]).key_id
    opened = encryption.open_messages([stored(row) for row in (*rows, last)])
    assert {each.text for each in opened.values()} == {"Hello"}


def test_without_rotation_no_number_of_messages_wears_a_key(
    alice: User, bob: User, settings: Any
) -> None:
    settings.CRYPTO_SESSION_MESSAGES, settings.CRYPTO_MAX_AGE = 1, {}
    send(alice, bob)
    work_all()

    assert run()["worn"] == 0


def test_an_ingress_key_that_nothing_is_under_is_destroyed(alice: User, bob: User) -> None:
    row = send(alice, bob)
    ingress = row.key_id or ""
    work_all()
    retire_long_ago(ingress)

    assert run()["destroyed"] == 1

    key = TenantKey.objects.get(pk=ingress)
    assert (key.state, key.wrapped) == (KeyState.DESTROYED, None)
    assert encryption.open_messages([stored(row)])[row.pk].text == "Hello"
    assert AuditEvent.objects.filter(action="key.destroyed", target_id=ingress).exists()


def test_an_ingress_key_is_kept_for_a_message_that_is_still_under_it(
    alice: User, bob: User
) -> None:
    later = send(alice, bob, scheduled_at=timezone.now() + 90 * DAYS)
    ingress = later.key_id or ""
    retire_long_ago(ingress)

    assert run()["destroyed"] == 0
    assert encryption.open_messages([stored(later)])[later.pk].text == "Hello"


def test_an_ingress_key_is_kept_for_a_push_token_that_is_under_it(bob: User) -> None:
    row = devices.register(user=bob, session_id=bob.pk, platform="fcm", token="bob's")
    retire_long_ago(row.key_id)

    assert run()["destroyed"] == 0
    assert encryption.open_push_tokens([row]) == {row.pk: "bob's"}
    DevicePushToken.objects.all().delete()
    assert run()["destroyed"] == 1


def test_what_comes_between_the_look_and_the_lock_keeps_the_key(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = send(alice, bob, scheduled_at=timezone.now() + DAYS)
    retire_long_ago(row.key_id)
    looks: list[set[str]] = [set()]
    needed = keys._needed
    monkeypatch.setattr(keys, "_needed", lambda kids: looks.pop() if looks else needed(kids))

    assert run()["destroyed"] == 0


def test_every_column_that_names_a_key_is_looked_at_before_one_is_destroyed() -> None:
    columns = {
        (model, field.name)
        for model in apps.get_app_config("messaging").get_models()
        for field in model._meta.get_fields()
        if field.name.endswith("key_id")
    }

    looked_at = {(model.__name__, column) for model, column in keys.UNDER_INGRESS}
    assert {(model.__name__, name) for model, name in columns} == looked_at | OTHER_KEYS.keys()


@pytest.mark.req("S63")
def test_conversations_keys_follow_their_tenants_new_key(alice: User, bob: User) -> None:
    row = send(alice, bob)
    work_all()
    TenantKey.objects.filter(purpose="wrap").update(created_at=timezone.now() - 366 * DAYS)

    counts = run()

    newest = TenantKey.objects.get(tenant_id=alice.tenant_id, purpose="wrap", state=KeyState.ACTIVE)
    moved = ConversationKey.objects.filter(tenant_id=alice.tenant_id)
    assert set(moved.values_list("parent_id", flat=True)) == {newest.pk}
    assert counts["rewrapped"] == moved.count() == 2
    assert encryption.open_messages([stored(row)])[row.pk].text == "Hello"
    event = AuditEvent.objects.get(action="keys.rewrapped")
    assert json.loads(event.body)["keys"] == 2


def test_a_key_that_does_not_unwrap_makes_a_dead_letter(alice: User, bob: User) -> None:
    send(alice, bob)
    work_all()
    ConversationKey.objects.filter(purpose="index").update(wrapped=bytes(60))
    TenantKey.objects.filter(purpose="wrap").update(created_at=timezone.now() - 366 * DAYS)

    keys.schedule()
    work_all()

    job = Job.objects.get(kind="maintain-keys")
    assert job.state == Job.State.FAILED
    assert "keys-unreadable" in f"{job.error_class} {job.error}"


def test_a_second_run_finds_nothing_to_do(alice: User, bob: User) -> None:
    send(alice, bob)
    work_all()
    TenantKey.objects.update(created_at=timezone.now() - 366 * DAYS)
    ConversationKey.objects.update(created_at=timezone.now() - 8 * DAYS)

    assert any(number for name, number in run().items() if name != "success")
    again = {name: number for name, number in run().items() if name != "success"}

    assert set(again.values()) == {0}


def test_a_run_ends_when_its_time_is_up(alice: User, bob: User) -> None:
    send(alice, bob)
    work_all()
    ConversationKey.objects.update(created_at=timezone.now() - 8 * DAYS)

    counts, broken = keys.upkeep(time.monotonic() - 1)

    assert broken == [] and counts["retired"] > 0  # one chunk of each, and no second


def test_registrations_that_nobody_finished_are_forgotten(bob: User) -> None:
    from tests.keypairs import public

    keystore.register(bob, label="Phone", jwk=public(), spki=None)
    assert run()["registrations"] == 0

    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert keys.upkeep(time.monotonic() + 60)[0]["registrations"] == 1
    assert not Device.objects.exists()


def test_a_retired_key_is_in_the_trail(alice: User, bob: User) -> None:
    row = send(alice, bob)
    work_all()
    ConversationKey.objects.filter(purpose="content").update(created_at=timezone.now() - 8 * DAYS)

    run()

    event = AuditEvent.objects.get(action="key.retired", target_id=stored(row).key_id)
    assert json.loads(event.body)["conversation"] == str(Conversation.objects.get().pk)
