"""A planted word of sealed messages is nowhere but in the eyes of their readers."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.journeys.dead_letter import dead_letter
from tests.system.canary import Wiretap, columns_with, files_with, is_in, redis_dump, word
from tests.system.rest import Reply, get_with_password
from tests.system.system import System
from tests.system.waiting import wait_until

pytestmark = pytest.mark.journey


@dataclass(slots=True)
class Planted:
    """What was done with the two words, and what Redis has heard of it."""

    system: System
    sealed: str = field(default_factory=word)
    plain: str = field(default_factory=word)
    redis: list[bytes] = field(default_factory=list)
    views: list[Reply] = field(default_factory=list)  # of the dead letter, for those who may

    def go(self) -> "Planted":
        with Wiretap(self.system.redis()) as wiretap:
            self._send()
            self._err_at_rest()
            self._err_at_the_socket()
            self._fail_and_retry()
            wait_until(lambda: not self._unfinished())
            self.redis += redis_dump(self.system.environment["REDIS_URL"])
        self.redis += wiretap.heard
        return self

    def _send(self) -> None:
        """Sealed with metadata and plain; twice under one key; heard in both forms."""
        alice, bob = self.system.api("alice"), self.system.people["bob"]
        to_bob = {"recipientId": bob, "content": f"About {self.sealed}."}
        sealed = to_bob | {"encrypted": True, "metadata": {"ward": self.sealed}}
        for _ in range(2):
            reply = alice.post("/messages/direct", sealed, Idempotency_Key=f"k-{self.sealed[-3:]}")
            assert reply.status == 202, reply
        message = reply.json["message"]
        plain = to_bob | {"encrypted": False, "content": f"About {self.plain}."}
        assert alice.post("/messages/direct", plain).status == 202
        cursor = {message["conversationId"]: message["seq"] - 1}
        for content in ("open", "sealed"):
            socket = self.system.listen("bob", dict(cursor), content=content)
            frame = socket.event(message["id"])
            assert (self.sealed in str(frame)) is (content == "open")
            socket.close()
        found = self.system.api("bob").get("/messages/search", q=self.sealed).json["data"]
        assert found[0]["metadata"] == {"ward": self.sealed}

    def _err_at_rest(self) -> None:
        """Clients that say the word in every wrong way."""
        alice, bob = self.system.api("alice"), self.system.people["bob"]
        good = {"recipientId": bob, "content": self.sealed, "encrypted": True}
        wrong: list[object] = [
            good | {"content": [self.sealed]},
            good | {"content": f"{self.sealed} " * 2000},
            good | {"unknown": self.sealed},
            good | {self.sealed: True},
            good | {"recipientId": self.sealed},
            good | {"metadata": self.sealed},
            f'{{"content": "{self.sealed}',
            f'{{"content": "{self.sealed}\\u0000"}}',
        ]
        for body in wrong:
            assert alice.post("/messages/direct", body).status == 400, body
        assert alice.get("/messages/search", q=f'"{self.sealed} -').status in (200, 400)
        login = {"username": self.sealed, "password": self.sealed}
        assert self.system.api().post("/api/v1/auth/token", login).status == 401
        self.system.api().post("/api/v1/messages/direct", good)
        alice.post("/messages/direct", good | {"encrypted": None}, Idempotency_Key=self.sealed)

    def _err_at_the_socket(self) -> None:
        socket = self.system.listen("bob", {})
        wait_until(lambda: socket.connections)
        place = self.system.people["bob"]  # no conversation
        socket.send(type="message.send", id="a", conversationId=place, content=self.sealed)
        socket.send(type="message.send", id="b", content=[self.sealed], conversationId=place)
        socket.send(type=self.sealed, id="c")
        socket.send(type="ping", id="d", unknown=self.sealed)
        for id in "abcd":
            assert socket.answer(id)["type"] == "error"
        socket.say(f'{{"type": "{self.sealed}')
        wait_until(lambda: socket.connections == 2)
        socket.close()

    def _fail_and_retry(self) -> None:
        """A damaged ciphertext makes a dead letter; repaired, a retry resumes it."""
        letter, operator = dead_letter(self.system, self.sealed), self.system.api("operator")
        failed = operator.get("/messages/queue/message-encryption/failed")
        assert letter.id in failed.text
        self.views = [self.system.api("alice").get(letter.path), failed]
        letter.repair()
        assert operator.post(f"{letter.path}/retry", {"reason": "repaired"}).status == 202
        letter.until_it_is_delivered()
        assert self.system.api("mallory").get(letter.path).status == 404

    def _unfinished(self) -> bool:
        query = "select 1 from jobs where state in ('blocked', 'waiting', 'active')"
        return bool(self.system.sql(query))


@pytest.fixture(scope="module")
def planted(system: System) -> Iterator[Planted]:
    yield Planted(system).go()


@pytest.mark.req("S71", "S134")
def test_no_table_holds_the_sealed_word(planted: Planted) -> None:
    url = planted.system.environment["DATABASE_URL"]

    assert columns_with(url, planted.sealed) == set()
    assert columns_with(url, planted.plain) == {("messages", "content")}


@pytest.mark.req("S20", "S71", "D5")
def test_redis_has_heard_neither_word(planted: Planted) -> None:
    heard = b"\n".join(planted.redis)

    assert b"PUBLISH" in heard
    assert b"encryption.drain" in heard or is_in(heard, "encryption.drain")
    for each in (planted.sealed, planted.plain):
        assert not is_in(heard, each), each


@pytest.mark.req("S71", "S134")
def test_no_file_holds_the_sealed_word_not_even_the_write_ahead_log(planted: Planted) -> None:
    system = planted.system
    files = [path for path in system.home.rglob("*") if path.is_file()]
    ours = [path for path in files if not path.is_relative_to(system.servers.postgres.data)]

    assert {path.name for path in files} >= {"log", "server.log", "valkey.log"}
    assert files_with(files, planted.sealed) == []
    assert files_with([*ours, *system.logs()], planted.plain) == []
    assert stored(files_with(files, planted.plain)), "the search itself does not work"


def stored(paths: list[Path]) -> list[Path]:
    return [path for path in paths if {"base", "pg_wal"} & set(path.parts)]


def test_flower_shows_neither_word(planted: Planted) -> None:
    environment = planted.system.environment
    login = f"{environment['FLOWER_USER']}:{environment['FLOWER_PASSWORD']}"

    for page in ("api/tasks", "api/workers", "tasks", "workers", "metrics"):
        reply = get_with_password(f"{planted.system.flower}/{page}", login)
        assert reply.status == 200, page
        for each in (planted.sealed, planted.plain):
            assert each not in reply.text, page


@pytest.mark.req("S71", "D13")
def test_a_dead_letter_shows_what_went_wrong_and_not_in_what(planted: Planted) -> None:
    for view in planted.views:
        assert view.status == 200
        assert planted.sealed not in view.text
    assert planted.views[0].json["error"]["code"]
