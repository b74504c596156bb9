"""Key devices over REST: registered, proven, listed, revoked."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from crypto_core import jose
from crypto_core.models import Device
from crypto_core.suite import b64, unb64
from messaging.models import AuditEvent, User
from tests.keypairs import private, public, spki
from tests.messaging.api.conftest import Client
from tests.messaging.api.key_calls import DEVICES, activate, device, nonce_of, register


@pytest.mark.req("S58")
def test_the_server_keeps_no_nonce_and_no_private_half(client: Client, bob: User) -> None:
    browser = client(bob)
    made = register(browser)
    whole = private().as_dict(private=True)
    refused = register(browser, jwk=whole)

    row = Device.objects.get(pk=made.json()["id"])
    assert row.jwk == public()
    assert unb64(nonce_of(made), 32) not in bytes(row.challenge)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "#/jwk"
    assert str(whole["d"]) not in refused.content.decode()


def test_an_spki_is_as_good_as_a_jwk(client: Client, bob: User) -> None:
    made = register(client(bob), jwk=None, spki=spki().decode())

    assert made.status_code == 201
    assert made.json()["thumbprint"] == jose.device_key(public()).thumbprint


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}}, "#/jwk"),
        ({"jwk": None}, "#/jwk"),
        ({"jwk": None, "spki": "x"}, "#/spki"),
        ({"spki": "x"}, "#/jwk"),
        ({"label": ""}, "#/label"),
        ({"label": "x" * 101}, "#/label"),
        ({"d": "x"}, "#/d"),
    ],
    ids=str,
)
def test_anything_but_one_good_key_is_refused(
    client: Client, bob: User, body: dict[str, Any], pointer: str
) -> None:
    answer = register(client(bob), **body)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert not Device.objects.exists()


def test_devices_are_listed_and_revoked(client: Client, bob: User) -> None:
    browser = client(bob)
    phone, waiting = device(browser), register(browser, "two").json()["id"]

    listed = browser.get(DEVICES).json()["data"]
    gone = browser.delete(f"{DEVICES}/{phone}")

    assert [(row["id"], row["state"]) for row in listed] == [
        (phone, "active"),
        (waiting, "pending"),
    ]
    assert gone.status_code == 204
    assert [row["id"] for row in browser.get(DEVICES).json()["data"]] == [waiting]
    assert browser.delete(f"{DEVICES}/{phone}").status_code == 404
    assert register(browser).status_code == 409


def test_a_wrong_or_late_answer_activates_nothing(client: Client, bob: User) -> None:
    browser = client(bob)
    made = register(browser)

    for nonce in (b64(bytes(32)), "x", nonce_of(made)[:-1] + "!"):
        assert activate(browser, made, nonce).status_code == 400
    with time_machine.travel(timezone.now() + timedelta(minutes=5, seconds=1)):
        late = activate(browser, made, nonce_of(made))

    assert late.status_code == 404
    assert browser.get(DEVICES).json()["data"][0]["state"] == "pending"


def test_the_same_answer_twice_is_one_activation(client: Client, bob: User) -> None:
    browser = client(bob)
    made = register(browser)
    nonce = nonce_of(made)

    first, again = (activate(browser, made, nonce) for _ in range(2))

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert AuditEvent.objects.filter(action="key-device.activated").count() == 1


def test_registering_again_before_the_answer_makes_a_new_challenge(
    client: Client, bob: User
) -> None:
    browser = client(bob)
    lost, made = register(browser), register(browser)

    assert activate(browser, lost, nonce_of(lost)).status_code == 404
    assert activate(browser, made, nonce_of(made)).status_code == 200
    assert register(browser).status_code == 409


def test_nobody_has_more_than_ten_devices(client: Client, bob: User, clinic: Any) -> None:
    now = timezone.now()
    Device.objects.bulk_create(
        Device(
            tenant_id=clinic.pk, owner_id=bob.pk, label="x", jwk={}, thumbprint=str(number),
            state="active", challenge=b"", challenge_expires_at=now, created_at=now,
        )
        for number in range(10)
    )  # fmt: skip
    browser = client(bob)

    assert register(browser).status_code == 409
    Device.objects.filter(thumbprint="0").update(state="revoked")
    assert register(browser).status_code == 201


def test_mallory_can_do_nothing_with_bobs_device(client: Client, bob: User, mallory: User) -> None:
    made = register(client(bob))
    theirs = client(mallory)

    assert activate(theirs, made, nonce_of(made)).status_code == 404
    assert theirs.delete(f"{DEVICES}/{made.json()['id']}").status_code == 404
    assert theirs.get(DEVICES).json()["data"] == []
