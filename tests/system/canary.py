"""Where a planted word is found: in any column of any table, in any value of Redis, in any file."""

import secrets
import threading
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import redis
from psycopg import connect, sql

DATABASES = 64
OVER = b"wiretap-over"


def word() -> str:
    """A word that nobody has written before."""
    return "quetzal" + "".join(secrets.choice("bcdfghjklmnpqrstvwxz") for _ in range(8))


def forms(word: str) -> set[bytes]:
    """The ways in which *word* may stand in a dump: as it is, in hex, in base64 at any offset."""
    raw = word.encode()
    found = {raw, raw.upper(), raw.hex().encode(), raw[::-1]}
    for offset in range(3):
        for encode in (b64encode, urlsafe_b64encode):
            # Without the characters that also depend on what stands before and after.
            text = encode(b"\0" * offset + raw)
            start = (offset * 8 + 5) // 6
            found.add(text[start : (offset + len(raw)) * 8 // 6])
    return found


def is_in(haystack: bytes, word: str) -> bool:
    """Whether *word* stands there in any form."""
    return any(form in haystack for form in forms(word))


def columns_with(url: str, word: str) -> set[tuple[str, str]]:
    """The (table, column) pairs of the database that hold *word*; a bytea is looked at in hex."""
    with connect(url) as server:
        columns = server.execute(
            "select table_name, column_name from information_schema.columns"
            " where table_schema = 'public' and table_name in"
            " (select table_name from information_schema.tables where table_type = 'BASE TABLE')"
        ).fetchall()
        assert ("messages", "content") in columns
        patterns = [f"%{form.decode()}%" for form in forms(word)]
        found = set()
        for table, column in columns:
            query = sql.SQL("select exists (select from {} where {}::text like any(%s))").format(
                sql.Identifier(table), sql.Identifier(column)
            )
            row = server.execute(query, [patterns]).fetchone()
            if row and row[0]:
                found.add((table, column))
        return found


def files_with(paths: Iterable[Path], word: str) -> list[Path]:
    """Those of *paths* that hold *word*."""
    return [path for path in paths if path.exists() and is_in(path.read_bytes(), word)]


def redis_dump(url: str) -> Iterator[bytes]:
    """Every key and value of every database."""
    for number in range(DATABASES):
        with redis.Redis.from_url(f"{url.rpartition('/')[0]}/{number}") as server:
            for key in server.scan_iter():
                yield key
                yield repr(_value(server, key)).encode()


def _value(server: redis.Redis, key: bytes) -> Any:
    readers = {
        b"string": server.get,
        b"hash": server.hgetall,
        b"set": server.smembers,
        b"list": lambda name: server.lrange(name, 0, -1),
        b"zset": lambda name: server.zrange(name, 0, -1, withscores=True),
        b"stream": server.xrange,
    }
    kind = server.type(key)
    return None if kind == b"none" else readers[kind](key)


class Wiretap(threading.Thread):
    """Hears every command that Redis gets, in all databases, while it stands in a `with`."""

    def __init__(self, server: redis.Redis) -> None:
        super().__init__(daemon=True)
        self.heard: list[bytes] = []
        self._server = server
        self._begun = threading.Event()

    def run(self) -> None:
        """Listen until we are told that it is over."""
        with self._server.monitor() as monitor:
            self._begun.set()
            while not self.heard or OVER not in self.heard[-1]:
                self.heard.append(monitor.connection.read_response(disable_decoding=True))

    def __enter__(self) -> "Wiretap":
        self.start()
        assert self._begun.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.publish(OVER, "")
        self.join(10)
        assert not self.is_alive()
