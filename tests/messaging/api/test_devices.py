"""Devices over REST: registered, moved, listed, removed, and never a token in an answer."""

import os
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction

from messaging.models import AuditEvent, DevicePushToken, User
from messaging.services import devices
from tests.messaging.api.calls import V1
from tests.messaging.api.conftest import Client
from tests.system.canary import columns_with, word

DEVICES = f"{V1}/devices"


def register(browser: Any, token: str = "one", **more: Any) -> Any:
    body = {"platform": "fcm", "token": token} | more
    return browser.post(DEVICES, body, format="json")


@pytest.mark.req("S93")
def test_a_device_is_registered_listed_and_removed(client: Client, bob: User) -> None:
    browser = client(bob)

    made = register(browser, label="Bob's phone")

    assert made.status_code == 201
    assert made.json()["label"] == "Bob's phone" and made.json()["disabledAt"] is None
    assert browser.get(DEVICES).json()["data"] == [made.json()]
    assert browser.delete(f"{DEVICES}/{made.json()['id']}").status_code == 204
    assert browser.get(DEVICES).json()["data"] == []
    actions = AuditEvent.objects.filter(target_type="device").order_by("id")
    assert list(actions.values_list("action", flat=True)) == ["device.registered", "device.removed"]


def test_registering_again_says_that_the_device_is_in_use(client: Client, bob: User) -> None:
    browser = client(bob)
    first = register(browser).json()
    DevicePushToken.objects.update(disabled_at="2026-01-01T00:00:00Z", disabled_reason="gone")

    second = register(browser, label="renamed").json()

    assert (second["id"], second["label"]) == (first["id"], "renamed")
    assert second["disabledAt"] is None and second["lastSeenAt"] >= first["lastSeenAt"]


@pytest.mark.req("S93")
def test_a_token_that_was_another_persons_moves_even_from_another_tenant(
    client: Client, bob: User, mallory: User
) -> None:
    before = register(client(mallory)).json()

    after = register(client(bob)).json()

    assert after["id"] != before["id"]
    assert client(mallory).get(DEVICES).json()["data"] == []
    assert DevicePushToken.objects.get().tenant_id == bob.tenant_id
    moved = AuditEvent.objects.get(action="device.moved")
    assert (moved.tenant_id, moved.actor_id) == (mallory.tenant_id, None)
    assert str(bob.pk) not in moved.body


def test_a_person_has_at_most_ten_devices(client: Client, bob: User) -> None:
    browser = client(bob)
    made = [register(browser, f"token {n}").json()["id"] for n in range(devices.MOST)]

    assert register(browser, "one more").status_code == 409
    assert register(browser, "token 3").status_code == 201
    DevicePushToken.objects.filter(pk=made[0]).update(disabled_at="2026-01-01T00:00:00Z")
    assert register(browser, "one more").status_code == 201
    assert len(browser.get(f"{DEVICES}?limit=5").json()["data"]) == 5


def test_devices_that_nobody_has_seen_for_long_are_forgotten(client: Client, bob: User) -> None:
    with time_machine.travel("2026-01-01T00:00:00Z"):
        register(client(bob), "old")
    register(client(bob), "new")

    assert [row.token_hash for row in DevicePushToken.objects.all()] == [
        devices.fingerprint("fcm", "new")
    ]
    with time_machine.travel("2031-01-01T00:00:00Z"), transaction.atomic():
        assert devices.prune() == {"devices": 1, "sends": 0}
    assert not DevicePushToken.objects.exists()


def test_who_logs_out_is_not_pushed_to(client: Client, bob: User) -> None:
    browser = client(bob)
    register(browser)
    session = browser.get(f"{V1}/me").json()["sessionId"]

    browser.delete(f"{V1}/me/sessions/{session}")

    assert not DevicePushToken.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_token_is_nowhere_to_be_read(client: Client, bob: User) -> None:
    token = word()

    answer = register(client(bob), token, label="seen")

    database = (
        os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{connection.settings_dict['NAME']}"
    )
    assert token.encode() not in answer.content
    assert ("device_push_tokens", "label") in columns_with(database, "seen")
    assert columns_with(database, token) == set()


@pytest.mark.parametrize(
    "body",
    [
        {"platform": "gcm", "token": "x"},
        {"platform": "fcm"},
        {"platform": "fcm", "token": ""},
        {"platform": "fcm", "token": "x" * 4097},
        {"platform": "apns", "token": "x", "userId": "someone"},
    ],
)
def test_what_is_no_device_is_refused(client: Client, bob: User, body: dict[str, str]) -> None:
    assert client(bob).post(DEVICES, body, format="json").status_code == 400


def test_without_encryption_no_token_is_kept(client: Client, bob: User, settings: Any) -> None:
    settings.ENCRYPTION_ENABLED = False

    answer = register(client(bob))

    assert answer.status_code == 503
    assert not DevicePushToken.objects.exists()


def test_mallory_and_nobody_see_and_remove_nothing(
    client: Client, bob: User, mallory: User, eve: User
) -> None:
    his = register(client(bob)).json()["id"]

    for stranger in (mallory, eve):
        assert client(stranger).get(DEVICES).json()["data"] == []
        assert client(stranger).delete(f"{DEVICES}/{his}").status_code == 404
    assert client().get(DEVICES).status_code == 401
    assert client().post(DEVICES, {}).status_code == 401
    assert DevicePushToken.objects.count() == 1
