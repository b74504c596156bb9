"""Wrong settings of encryption fail `manage.py check`, with an id and a hint."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from crypto_core.checks import check_settings

ROOT = Path(__file__).resolve().parent.parent.parent
READ = "from config import settings; print(settings.{})"


def ids() -> list[str | None]:
    return [message.id for message in check_settings(None)]


def setting(name: str, **variables: str) -> str:
    """What the setting *name* is in a process with *variables* in its environment."""
    done = subprocess.run(
        [sys.executable, "-c", READ.format(name)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_the_settings_of_the_tests_are_in_order():
    assert ids() == []


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


@pytest.mark.parametrize(
    ("name", "variable", "value", "effect"),
    [
        ("ENCRYPTION_ALGORITHM", "ENCRYPTION_ALGORITHM", "DES", "DES"),
        ("ENCRYPTION_AES_KEY_BITS", "ENCRYPTION_AES_KEY_BITS", "128", "128"),
        ("ENCRYPTION_RSA_KEY_BITS", "ENCRYPTION_RSA_KEY_BITS", "1024", "1024"),
        ("CRYPTO_MAX_AGE", "ENCRYPTION_ROTATION_ENABLED", "0", "{}"),
        ("CRYPTO_MAX_AGE['content']", "ENCRYPTION_ROTATION_INTERVAL", "3600", "3600"),
        ("CRYPTO_MAX_AGE['ingress']", "CRYPTO_INGRESS_HOURS", "2", "7200"),
        ("CRYPTO_MAX_AGE['wrap']", "CRYPTO_TENANT_DAYS", "30", "2592000"),
        ("CRYPTO_CACHE_SECONDS", "ENCRYPTION_SESSION_KEY_TTL", "60", "60"),
        ("CRYPTO_CACHE_SECONDS", "CACHE_L1_TTL", "10", "10"),
        ("CRYPTO_TENANT_CACHE_SECONDS", "CACHE_L1_TTL", "10", "10"),
        ("CRYPTO_CACHE_SIZE", "CACHE_L1_MAX_SIZE", "7", "7"),
        ("CRYPTO_CACHE_SIZE", "CACHE_L1_ENABLED", "0", "0"),
    ],
)
def test_each_variable_takes_effect(name, variable, value, effect):
    assert setting(name, **{variable: value}) == effect != setting(name)


def test_the_defaults_are_those_that_the_documents_name():
    assert django_settings.CRYPTO_MAX_AGE == {
        "content": 7 * 86_400,
        "ingress": 86_400,
        "wrap": 365 * 86_400,
    }
    assert django_settings.CRYPTO_CACHE_SECONDS == 300
    assert django_settings.CRYPTO_TENANT_CACHE_SECONDS == 3600
    assert django_settings.CRYPTO_CACHE_SIZE == 4096
