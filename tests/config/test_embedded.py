"""The embedded servers keep what they were given."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from config.embedded import Embedded


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that an unprivileged server reaches, which pytest's own are not when root tests."""
    folder = Path(tempfile.mkdtemp(prefix="it's a home "))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_a_restart_keeps_rows_keys_and_ports(home: Path) -> None:
    servers = Embedded(home)
    urls = servers.start()
    try:
        with psycopg.connect(urls["DATABASE_URL"]) as database:
            database.execute("create table kept as select 7 as number")
        with redis.Redis.from_url(urls["REDIS_URL"]) as cache:
            cache.set("kept", "7")
        servers.stop()

        assert servers.start() == urls
        with psycopg.connect(urls["DATABASE_URL"]) as database:
            assert database.execute("select number from kept").fetchone() == (7,)
        with redis.Redis.from_url(urls["REDIS_URL"]) as cache:
            assert cache.get("kept") == b"7"
    finally:
        servers.stop()


def test_the_last_user_stops_the_servers(home: Path) -> None:
    first, second = Embedded(home), Embedded(home)
    urls = first.start()
    try:
        assert second.start() == urls

        first.stop()
        with redis.Redis.from_url(urls["REDIS_URL"]) as cache:
            assert cache.ping()
        second.stop()
        assert not second.valkey.answers()
        assert not second.postgres.runs()
    finally:
        second.stop()


def test_the_application_is_no_superuser(settings: object, db: None) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("select rolsuper from pg_roles where rolname = current_user")
        assert cursor.fetchone() == (False,)
