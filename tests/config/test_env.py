"""The environment is read in one way, and a wrong value is refused without being shown."""

import os
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env, runfile


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("REDIS_", "THING"))]:
        monkeypatch.delenv(name)


def test_a_file_may_hold_the_value(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    monkeypatch.setenv("THING_FILE", str(tmp_path / "secret"))

    assert env.secret("THING") == "from a file"


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING", "")

    assert env.text("THING", "usual") == "usual"
    assert env.integer("THING", 7) == 7
    assert env.flag("THING", True) is True
    assert env.words("THING", "a, b") == ["a", "b"]


@pytest.mark.req("S135", "S19")
def test_redis_url_wins_over_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_HOST", "redis.example")
    monkeypatch.setenv("REDIS_PASSWORD", "p@ss")
    assert env.redis_url() == "redis://default:p%40ss@redis.example:6379/0"

    monkeypatch.setenv("REDIS_URL", "rediss://other.example/3")
    assert env.redis_url() == "rediss://other.example/3"


def test_no_redis_host_is_no_redis_url() -> None:
    assert env.redis_url() == ""


@pytest.mark.parametrize("value", ["many", "0", "1.5"])
def test_a_wrong_number_is_named_but_not_shown(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("THING", f" {value}")

    with pytest.raises(ImproperlyConfigured, match="THING must be") as refusal:
        env.integer("THING", 5, least=1)
    assert value not in str(refusal.value).replace("at least 1", "")


def test_a_wrong_flag_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING", "maybe")

    with pytest.raises(ImproperlyConfigured, match="THING must be one of"):
        env.flag("THING")


def test_a_missing_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING_FILE", "/nowhere/secret")

    with pytest.raises(ImproperlyConfigured, match="THING_FILE cannot be read"):
        env.secret("THING")


def test_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    first = runfile.keep(tmp_path / "run" / "env")

    assert runfile.keep(tmp_path / "run" / "env") == first
    assert (tmp_path / "run" / "env").stat().st_mode & 0o777 == 0o600
    assert set(first) == set(runfile.MADE)


def test_a_secret_that_is_new_is_added_to_those_kept(tmp_path: Path) -> None:
    old = {"SECRET_KEY": "as it was", "OTHER": 'it\'s "quoted" $HOME'}
    runfile.write(tmp_path / "env", old)

    kept = runfile.keep(tmp_path / "env")

    assert kept | old == kept
    assert runfile.read(tmp_path / "env") == kept
