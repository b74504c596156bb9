"""The providers' accounts come from the environment, or from the files that it names."""

import runpy
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "config" / "providers.py"

VARIABLES = {
    "FCM_SERVICE_ACCOUNT": ("FCM", "account"),
    "APNS_KEY": ("APNS", "key"),
    "APNS_KEY_ID": ("APNS", "key_id"),
    "APNS_TEAM_ID": ("APNS", "team_id"),
    "APNS_TOPIC": ("APNS", "topic"),
    "TWILIO_ACCOUNT_SID": ("TWILIO", "account_sid"),
    "TWILIO_AUTH_TOKEN": ("TWILIO", "auth_token"),
    "TWILIO_FROM": ("TWILIO", "from"),
}
URLS = {"FCM_URL": "FCM", "APNS_URL": "APNS", "TWILIO_URL": "TWILIO"}


def read() -> dict[str, Any]:
    return runpy.run_path(str(PAGE))


@pytest.mark.req("S161")
@pytest.mark.parametrize("name", VARIABLES)
def test_a_credential_comes_from_its_variable_or_its_file(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    group, key = VARIABLES[name]
    assert read()[group][key] == ""

    monkeypatch.setenv(name, "from the environment")
    assert read()[group][key] == "from the environment"
    (tmp_path / "secret").write_text("from a file\n")
    monkeypatch.setenv(f"{name}_FILE", str(tmp_path / "secret"))
    assert read()[group][key] == "from a file"


@pytest.mark.parametrize("name", URLS)
def test_a_provider_is_found_elsewhere_where_that_is_said(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read()[URLS[name]]["url"].startswith("https://")

    monkeypatch.setenv(name, "http://127.0.0.1:1/")
    assert read()[URLS[name]]["url"] == "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("APP_NAME", "Clinic", "Clinic"),
        ("PUSH_STALE_DAYS", "7", 7),
        ("SMS_POLICY", "off", "off"),
        ("PROVIDER_CA", "PEM", "PEM"),
    ],
)
def test_the_rest_is_as_it_is_said(
    name: str, value: str, found: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    assert read()[name] == found
