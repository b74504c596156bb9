"""Credentials that can never work are refused by name; channels without any are named."""

from typing import Any

import pytest
from django.test import override_settings

from messaging import checks
from tests.providers.keys import ec_key, rsa_key, service_account

FCM = {"account": service_account("https://oauth.example"), "url": "https://fcm.example"}
APNS = {
    "key": ec_key(),
    "key_id": "KEY1234567",
    "team_id": "TEAM123456",
    "topic": "example.clinic",
    "url": "https://apns.example",
}
TWILIO = {
    "account_sid": "AC" + "0" * 32,
    "auth_token": "secret",
    "from": "+15005550006",
    "url": "https://twilio.example",
}
NOTHING: dict[str, Any] = {
    "FCM": {"account": "", "url": "https://fcm.example"},
    "APNS": dict.fromkeys(APNS, "") | {"url": "https://apns.example"},
    "TWILIO": dict.fromkeys(TWILIO, "") | {"url": "https://twilio.example"},
}


def test_good_credentials_pass_without_a_word() -> None:
    with override_settings(FCM=FCM, APNS=APNS, TWILIO=TWILIO):
        assert checks.check_credentials(None) == []
        assert checks.name_silent_channels(None) == []


def test_channels_without_credentials_are_named_and_are_no_error() -> None:
    with override_settings(**NOTHING):
        assert checks.check_credentials(None) == []
        [info] = checks.name_silent_channels(None)

    assert info.id == "messaging.I001" and not info.is_serious()
    for name in ("FCM_SERVICE_ACCOUNT", "APNS_KEY", "TWILIO_ACCOUNT_SID"):
        assert name in info.msg


@pytest.mark.parametrize(
    ("number", "wrong"),
    [
        ("E001", {"FCM": FCM | {"account": "{"}}),
        ("E001", {"FCM": FCM | {"account": '{"project_id": "x"}'}}),
        ("E001", {"FCM": FCM | {"account": service_account("x", private_key=ec_key())}}),
        ("E002", {"APNS": APNS | {"key": "no key"}}),
        ("E002", {"APNS": APNS | {"key": rsa_key()}}),
        ("E003", {"APNS": APNS | {"topic": ""}}),
        ("E003", {"APNS": APNS | {"team_id": "short"}}),
        ("E004", {"TWILIO": TWILIO | {"auth_token": ""}}),
        ("E004", {"TWILIO": TWILIO | {"account_sid": "SK1"}}),
        ("E004", {"TWILIO": TWILIO | {"from": "030/123"}}),
        ("E005", {"SMS_POLICY": "sometimes"}),
        ("E006", {"APNS": APNS | {"url": "http://apns.example"}}),
        ("E006", {"TWILIO": TWILIO | {"url": "twilio.example"}}),
    ],
)
def test_what_can_never_work_is_refused_and_its_value_is_not_shown(
    number: str, wrong: dict[str, Any]
) -> None:
    with override_settings(**{"FCM": FCM, "APNS": APNS, "TWILIO": TWILIO} | wrong):
        [error] = checks.check_credentials(None)

    assert error.id == f"messaging.{number}" and error.hint
    assert "BEGIN" not in error.msg and "secret" not in error.msg
