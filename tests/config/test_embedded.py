"""The embedded servers keep what they were given."""

from pathlib import Path

import psycopg
import redis

from config.embedded import Embedded


def test_a_restart_keeps_rows_keys_and_ports(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    servers = Embedded(tmp_path / "it's a home")
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


def test_the_last_user_stops_the_servers(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    first, second = Embedded(tmp_path), Embedded(tmp_path)
    urls = first.start()
    try:
        assert second.start() == urls

        first.stop()
        assert redis.Redis.from_url(urls["REDIS_URL"]).ping()
        second.stop()
        assert not second.valkey._answers()
        assert not second.postgres._runs()
    finally:
        second.stop()


def test_the_application_is_no_superuser(settings: object, db: None) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("select rolsuper from pg_roles where rolname = current_user")
        assert cursor.fetchone() == (False,)
