"""Every variable that the requirements name changes what it is there to change (S135-S139)."""

import logging
import runpy
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import caches
from django.test import override_settings

from config import logs
from crypto_core.cache import KeyCache
from messaging.realtime import publisher
from messaging.services.identities import Recent
from queueing.queues import QUEUES
from tests.test_house import ROOT, example

Settings = dict[str, Any]


def cache(key: str) -> Callable[[Settings], Any]:
    return lambda found: found["CACHES"]["default"][key]


def plain(name: str) -> Callable[[Settings], Any]:
    return lambda found: found[name]


def limit(name: str) -> Callable[[Settings], Any]:
    return lambda found: found["RATE_LIMITS"][name]


def queue(name: str) -> Callable[[Settings], Any]:
    return lambda found: found["QUEUEING_CONCURRENCY"][name]


# variable, another value, where it shows, how
REDIS = [
    ("REDIS_HOST", "far", plain("REDIS_URL"), "redis://far:6379/0"),
    ("REDIS_PORT", "7000", plain("REDIS_URL"), "redis://localhost:7000/0"),
    ("REDIS_PASSWORD", "pw", plain("REDIS_URL"), "redis://default:pw@localhost:6379/0"),
    ("REDIS_USERNAME", "me", plain("REDIS_URL"), "redis://me:pw@localhost:6379/0"),
    ("REDIS_DB", "3", plain("REDIS_URL"), "redis://localhost:6379/3"),
    ("REDIS_QUEUE_DB", "4", plain("CELERY_BROKER_URL"), "redis://localhost:6379/4"),
    ("REDIS_TTL_DEFAULT", "9", cache("TIMEOUT"), 9),
    ("REDIS_CONNECTION_TIMEOUT", "50", plain("REDIS_CONNECTION_TIMEOUT"), 0.05),
]
CACHE = [
    ("CACHE_L1_ENABLED", "0", plain("CACHE_L1_SIZE"), 0),
    ("CACHE_L1_MAX_SIZE", "7", plain("CACHE_L1_SIZE"), 7),
    ("CACHE_L1_TTL", "10", plain("CRYPTO_CACHE_SECONDS"), 10),
    ("CACHE_DEFAULT_TTL", "11", cache("TIMEOUT"), 11),
    ("CACHE_KEY_PREFIX", "mine", cache("KEY_PREFIX"), "mine"),
    ("CACHE_LOGGING", "1", lambda found: found["LOGGING"], logs.to_stderr("INFO", cache=True)),
    ("LOG_FORMAT", "json", lambda found: found["LOGGING"], logs.to_stderr("INFO", form="json")),
]
QUEUE = [(each.variable, "17", queue(each.name), 17) for each in QUEUES]
ENCRYPTION = [
    ("ENCRYPTION_ALGORITHM", "DES", plain("ENCRYPTION_ALGORITHM"), "DES"),
    ("ENCRYPTION_AES_KEY_BITS", "128", plain("ENCRYPTION_AES_KEY_BITS"), 128),
    ("ENCRYPTION_RSA_KEY_BITS", "1024", plain("ENCRYPTION_RSA_KEY_BITS"), 1024),
    ("ENCRYPTION_ROTATION_ENABLED", "0", plain("CRYPTO_MAX_AGE"), {}),
    (
        "ENCRYPTION_ROTATION_INTERVAL",
        "60",
        lambda found: found["CRYPTO_MAX_AGE"].get("content"),
        60,
    ),
    ("ENCRYPTION_SESSION_KEY_TTL", "12", plain("CRYPTO_CACHE_SECONDS"), 12),
]
SOCKET = [
    ("WS_PORT", "8101", plain("WS_PORT"), 8101),
    ("WS_PATH", "/chat", plain("WS_PATH"), "/chat"),
    ("WS_CORS_ORIGINS", "https://a.example", plain("WS_CORS_ORIGINS"), ["https://a.example"]),
    ("WS_PING_INTERVAL", "5", plain("WS_PING_INTERVAL"), 5),
    ("WS_PING_TIMEOUT", "6", plain("WS_PING_TIMEOUT"), 6),
]
LIMITS = [
    ("RATE_LIMIT_SENDS", "9", limit("sends"), 9),
    ("RATE_LIMIT_CALLS", "0", limit("calls"), 0),
    ("RATE_LIMIT_TENANT_SENDS", "11", limit("tenantSends"), 11),
]
ROWS = [
    pytest.param(*row, marks=pytest.mark.req(requirement), id=row[0])
    for requirement, rows in {
        "S122": LIMITS,
        "S135": REDIS,
        "S136": CACHE,
        "S137": QUEUE,
        "S138": ENCRYPTION,
        "S139": SOCKET,
    }.items()
    for row in rows
]


def read() -> Settings:
    return runpy.run_path(str(ROOT / "config" / "settings.py"))


@pytest.mark.req("S135", "S136", "S137", "S138", "S139")
@pytest.mark.parametrize(("variable", "value", "look", "wanted"), ROWS)
def test_a_variable_changes_its_setting(
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    look: Callable[[Settings], Any],
    wanted: object,
) -> None:
    for name in [row[0] for row in REDIS] + ["REDIS_URL", variable]:
        monkeypatch.delenv(name, raising=False)
    if variable == "REDIS_USERNAME":
        monkeypatch.setenv("REDIS_PASSWORD", "pw")  # else nobody logs in
    default = look(read())
    monkeypatch.setenv(variable, value)

    assert look(read()) == wanted != default


@pytest.mark.req("S140")
def test_each_of_them_is_in_the_example_with_its_default_and_a_word_about_it() -> None:
    named, told = {row.id for row in ROWS}, False
    silent = []
    for line in (ROOT / ".env.example").read_text().splitlines():
        if not line or line.startswith("# ---"):
            told = False
        elif line.startswith("#"):
            told = True
        elif not told:
            silent.append(line)

    assert named <= example()
    assert silent == []


@pytest.mark.req("S136")
def test_djangos_cache_keeps_under_its_prefix_for_its_time() -> None:
    row = {**settings.CACHES["default"], "TIMEOUT": 40, "KEY_PREFIX": "mine"}
    with override_settings(CACHES={"default": row}):
        caches["default"].set("probe", 1)
        client = caches["default"]._cache.get_client()

        assert 0 < client.ttl("mine:1:probe") <= 40
        caches["default"].delete("probe")


@pytest.mark.req("S136")
def test_a_process_that_may_not_cache_remembers_nobody() -> None:
    recent: Recent[int] = Recent()

    recent.put("a", 1)
    with override_settings(CACHE_L1_SIZE=0):
        recent.put("b", 2)

    assert recent.get("a") is recent.get("b") is None


@pytest.mark.req("S136")
def test_a_look_into_the_cache_is_logged_by_the_keys_id_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG, "crypto_core.cache"):
        assert KeyCache(4).copy("kid-1") is None

    assert caplog.messages == ["key kid-1: not here"]


@pytest.mark.req("S135")
def test_an_attempt_to_connect_is_given_up_in_time() -> None:
    with override_settings(REDIS_CONNECTION_TIMEOUT=0.07):
        client = publisher.connect({"address": "redis://127.0.0.1:1/0"})

    assert client.connection_pool.connection_kwargs["socket_connect_timeout"] == 0.07
