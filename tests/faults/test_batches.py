"""A batch of two thousand whose worker is killed again and again: each of them is written to once."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from tests.system.system import System
from tests.system.waiting import wait_until

pytestmark = pytest.mark.faults

HOME = Path(__file__).resolve().parent.parent.parent / ".local" / "batches"
PEOPLE, CHUNK, KILLS = 2000, 20, 5

CROWD = """
insert into users select (jsonb_populate_record(u, jsonb_build_object(
    'id', uuid7(), 'username', 'crowd' || n, 'is_active', n <= %s::int))).*
from users u, generate_series(1, %s::int) n where u.username = 'alice' returning id"""
TRIED = "select count(*) from batch_recipients"
WRITTEN_TO = """
select p.user_id, count(*) from messages m
join conversation_participants p on p.conversation_id = m.conversation_id and p.user_id <> m.sender_id
where m.batch_id is not null group by p.user_id"""
UNFINISHED = """
select count(*) from jobs where state in ('blocked', 'waiting', 'active') and run_at < now()
    + interval '1 day'"""


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    running = System(HOME)
    try:
        yield running.start()
    finally:
        running.stop()


@pytest.mark.req("D12")
@pytest.mark.req("S97")
@pytest.mark.req("S98")
def test_each_of_two_thousand_gets_it_once_though_the_worker_is_killed(system: System) -> None:
    people = crowd(system)
    late = 7  # not here yet
    alice = system.api("alice")
    order = {"recipientIds": people, "content": "Closed on Monday", "chunkSize": CHUNK}
    place = alice.post("/messages/batch", order | {"chunkDelay": 20, "batchId": "b"}).json["links"]

    seen = 0
    for kill in range(KILLS):
        wait_until(lambda due=(kill + 1) * PEOPLE // (KILLS + 2): tried(system) >= due, seconds=60)
        system.kill9("slow") if kill % 2 else system.kill9_child("slow")
        progress = alice.get(place["self"]).json["progress"]["percentage"]
        assert progress >= seen  # it never falls
        seen = progress
    shown = wait_until(lambda: ended(alice.get(place["self"]).json), seconds=90, pause=0.2)

    assert (shown["successCount"], shown["failureCount"]) == (PEOPLE - late, late)
    assert set(written_to(system).values()) == {1} and len(written_to(system)) == PEOPLE - late
    before = messages(system)

    system.sql("update users set is_active = true where username like 'crowd%%'")
    alice.post(f"{place['self']}/retry-failed")
    shown = wait_until(lambda: ended(alice.get(place["self"]).json), seconds=30, pause=0.2)

    assert (shown["successCount"], shown["failureCount"]) == (PEOPLE, 0)
    assert written_to(system) == dict.fromkeys(map(UUID, people), 1)
    assert len(messages(system) - before) == late and before < messages(system)
    wait_until(lambda: system.sql(UNFINISHED)[0][0] == 0, seconds=60, pause=0.2)
    assert system.sql("select count(*) from batch_texts")[0][0] == 0
    assert system.sql("select count(*), max(head_seq) from conversations")[0] == (PEOPLE, 1)
    assert system.sql("select distinct status from messages") == [("SENT",)]


def crowd(system: System) -> list[str]:
    """The people of the batch; the last few cannot be written to yet."""
    return [str(row[0]) for row in system.sql(CROWD, PEOPLE - 7, PEOPLE)]


def tried(system: System) -> int:
    return int(system.sql(TRIED)[0][0])


def ended(shown: dict[str, object]) -> dict[str, object] | None:
    return shown if shown["state"] == "completed" else None


def written_to(system: System) -> dict[UUID, int]:
    """How many messages each person has got."""
    return dict(system.sql(WRITTEN_TO))


def messages(system: System) -> set[UUID]:
    return {row[0] for row in system.sql("select id from messages")}
