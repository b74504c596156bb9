"""Unsafe settings are refused, those of a production host too; safe ones pass without a word."""

import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
from django.conf import settings
from django.test import override_settings

from config import checks, runfile

ROOT = Path(__file__).resolve().parent.parent.parent
PRODUCTION = runfile.read(ROOT / ".ci" / "production.env")


def check(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`manage.py check` in a process of its own, under exactly *variables*."""
    inherited = {"PATH": os.environ["PATH"]}
    return subprocess.run(
        [sys.executable, "manage.py", "check", *arguments],
        cwd=ROOT,
        env={**inherited, **variables},
        capture_output=True,
        text=True,
    )


@pytest.mark.req("S71", "S78", "S155")
def test_settings_of_a_production_host_pass_without_a_warning() -> None:
    done = check("--deploy", "--fail-level", "WARNING", **PRODUCTION)

    assert done.returncode == 0, done.stderr
    assert "WARNINGS" not in done.stderr and "ERRORS" not in done.stderr


def test_nothing_starts_without_its_secrets() -> None:
    done = check()

    assert done.returncode == 1
    for number in ("E001", "E002", "E003"):
        assert f"config.{number}" in done.stderr


@pytest.mark.parametrize(
    ("number", "unsafe"),
    [
        ("E001", {"SECRET_KEY": "short"}),
        ("E002", {"CHANNEL_KEY": ""}),
        ("E003", {"JWT_SEEDS": "c2hvcnQ="}),
        ("E003", {"JWT_SEEDS": "no base64"}),
        ("E004", {"WS_PATH": "ws"}),
        ("E005", {"ALERT_URL": "http://chat.example/hook"}),
        ("E101", {"DEBUG": True}),
        ("E102", {"PUBLIC_URL": "http://waxwing.example"}),
        ("E103", {"ALLOWED_HOSTS": ["*"]}),
        ("E104", {"WS_CORS_ORIGINS": ["*"]}),
        ("E105", {"REDIS_URL": "rediss://redis.example/0"}),
        ("E106", {"REDIS_URL": "redis://:password@redis.example/0"}),
        ("E108", {"EMAIL_HOST": "mail.example", "EMAIL_HOST_PASSWORD": "x"}),
    ],
)
def test_an_unsafe_setting_is_refused(number: str, unsafe: dict[str, object]) -> None:
    with override_settings(**unsafe):
        found = [*checks.check_settings(None), *checks.check_production(None)]

    assert [message.id for message in found] == [f"config.{number}"]
    assert all(message.hint for message in found)


@pytest.mark.req("S78")
@pytest.mark.parametrize("options", [{}, {"sslmode": "require"}])
def test_a_far_database_must_show_its_certificate(options: dict[str, str]) -> None:
    with mock.patch.dict(settings.DATABASES["default"], HOST="db.example", OPTIONS=options):
        assert [message.id for message in checks.check_production(None)] == ["config.E107"]


def test_a_private_network_needs_no_certificates() -> None:
    far = mock.patch.dict(settings.DATABASES["default"], HOST="db", OPTIONS={})
    with far, override_settings(PRIVATE_NETWORK=True, REDIS_URL="redis://:p@redis/0"):
        assert checks.check_production(None) == []
