"""Wrong settings of encryption fail `manage.py check`, with an id and a hint."""

import runpy
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from crypto_core.checks import check_settings

SETTINGS = Path(__file__).resolve().parent.parent.parent / "config" / "settings.py"
AGES = {"content": 7 * 86_400, "ingress": 86_400, "wrap": 365 * 86_400}  # seconds


def ids() -> list[str | None]:
    return [message.id for message in check_settings(None)]


def test_the_settings_of_the_tests_are_in_order():
    assert ids() == []


@pytest.mark.req("S138")
@pytest.mark.parametrize(
    ("number", "name", "value"),
    [
        ("E001", "CRYPTO_KEYRING", ""),
        ("E002", "CRYPTO_KEYRING", '{"a": "short"}'),
        ("E003", "ENCRYPTION_ALGORITHM", "AES-128-CBC"),
        ("E004", "ENCRYPTION_AES_KEY_BITS", 128),
        ("E005", "ENCRYPTION_RSA_KEY_BITS", 2048),
        ("E006", "CRYPTO_CACHE_SECONDS", 86_401),
        ("W001", "ENCRYPTION_ENABLED", False),
    ],
)
def test_an_unsafe_value_is_named_with_a_hint(settings, number, name, value):
    setattr(settings, name, value)

    [message] = check_settings(None)

    assert message.id == f"crypto_core.{number}"
    assert message.hint and message.msg.startswith(("CRYPTO", "ENCRYPTION"))
    assert "short" not in message.msg


def test_without_encryption_no_keyring_is_asked_for(settings):
    settings.ENCRYPTION_ENABLED, settings.CRYPTO_KEYRING = False, ""

    assert ids() == ["crypto_core.W001"]


@pytest.mark.req("S138", "S136")
@pytest.mark.parametrize(
    ("name", "variable", "value", "effect"),
    [
        ("ENCRYPTION_ALGORITHM", "ENCRYPTION_ALGORITHM", "DES", "DES"),
        ("ENCRYPTION_AES_KEY_BITS", "ENCRYPTION_AES_KEY_BITS", "128", 128),
        ("ENCRYPTION_RSA_KEY_BITS", "ENCRYPTION_RSA_KEY_BITS", "1024", 1024),
        ("CRYPTO_MAX_AGE", "ENCRYPTION_ROTATION_ENABLED", "0", {}),
        ("CRYPTO_MAX_AGE", "ENCRYPTION_ROTATION_INTERVAL", "3600", AGES | {"content": 3600}),
        ("CRYPTO_MAX_AGE", "CRYPTO_INGRESS_HOURS", "2", AGES | {"ingress": 7200}),
        ("CRYPTO_SESSION_MESSAGES", "CRYPTO_SESSION_MESSAGES", "5", 5),
        ("CRYPTO_MAX_AGE", "CRYPTO_TENANT_DAYS", "30", AGES | {"wrap": 2_592_000}),
        ("CRYPTO_CACHE_SECONDS", "ENCRYPTION_SESSION_KEY_TTL", "60", 60),
        ("CRYPTO_CACHE_SECONDS", "CACHE_L1_TTL", "10", 10),
        ("CRYPTO_TENANT_CACHE_SECONDS", "CACHE_L1_TTL", "10", 10),
        ("CRYPTO_CACHE_SIZE", "CACHE_L1_MAX_SIZE", "7", 7),
        ("CRYPTO_CACHE_SIZE", "CACHE_L1_ENABLED", "0", 0),
    ],
)
def test_each_variable_takes_effect(monkeypatch, name, variable, value, effect):
    default = runpy.run_path(str(SETTINGS))[name]
    monkeypatch.setenv(variable, value)

    assert runpy.run_path(str(SETTINGS))[name] == effect != default


def test_the_defaults_are_those_that_the_documents_name():
    assert django_settings.CRYPTO_MAX_AGE == AGES
    assert django_settings.CRYPTO_CACHE_SECONDS == 300
    assert django_settings.CRYPTO_TENANT_CACHE_SECONDS == 3600
    assert django_settings.CRYPTO_CACHE_SIZE == 4096
