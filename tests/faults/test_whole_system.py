"""Everything breaks once in the middle of 500 messages: nothing is lost, doubled or displaced."""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.crowd import SENDERS, Crowd
from tests.system.canary import files_with, word
from tests.system.system import System
from tests.system.waiting import wait_until

pytestmark = pytest.mark.faults

MESSAGES = 500

Fault = Callable[[System, Crowd], object]


def kill_a_worker(system: System, crowd: Crowd) -> None:
    system.kill9("hot")


def kill_a_child(system: System, crowd: Crowd) -> None:
    system.kill9_child("hot", -1)


def wipe_redis(system: System, crowd: Crowd) -> None:
    system.wipe_redis()


def restart_postgres(system: System, crowd: Crowd) -> None:
    """Down until senders have noticed."""
    before, crowd.hurry = crowd.failures, True
    system.stop_postgres()
    wait_until(lambda: crowd.failures >= before + 5 or len(crowd.acknowledged) == MESSAGES)
    system.start_postgres()
    crowd.hurry = False


def kill_the_sockets(system: System, crowd: Crowd) -> None:
    system.kill9("sockets")


def kill_the_web(system: System, crowd: Crowd) -> None:
    system.kill9("web")


FAULTS: list[Fault] = [
    kill_a_worker,
    kill_a_child,
    wipe_redis,
    restart_postgres,
    kill_the_sockets,
    kill_the_web,
]


@pytest.fixture(scope="module")
def crowd(system: System) -> Iterator[Crowd]:
    """The crowd after the storm, when all is quiet again."""
    seed = int(os.environ.get("FAULT_SEED") or random.randrange(10**6))
    print(f"FAULT_SEED={seed}")
    chance = random.Random(seed)
    crowd = Crowd(system, chance, MESSAGES, word())
    faults = chance.sample(FAULTS, len(FAULTS))
    with ThreadPoolExecutor(SENDERS) as pool:
        senders = crowd.send_all(pool)
        for number, fault in enumerate(faults, start=1):
            wait_until(lambda at=number / 8: crowd.progress() >= at, seconds=30)
            print(f"{fault.__name__} at {crowd.progress():.0%}")
            fault(system, crowd)
        for sender in senders:
            sender.result(60)
    wait_until(lambda: not unfinished(system), seconds=30)
    yield crowd
    for listener in crowd.listeners.values():
        listener.close()


def unfinished(system: System) -> list[tuple[str, str]]:
    states = ["blocked", "waiting", "active"]
    return system.sql("select kind, state from jobs where state = any(%s)", states)


def of_rooms(crowd: Crowd) -> list[str]:
    return [room.id for room in crowd.rooms]


@pytest.mark.req("S152", "S18")
def test_each_acknowledged_message_is_there_once_and_no_other(system: System, crowd: Crowd) -> None:
    query = "select id::text from messages where conversation_id = any(%s::uuid[]) and seq > 0"
    hellos = 4  # that began the conversations of two
    stored = Counter(id for (id,) in system.sql(query, of_rooms(crowd)))
    acknowledged = Counter(crowd.acknowledged.values())

    assert len(acknowledged) == MESSAGES
    assert set(acknowledged.values()) == {1}
    assert set(acknowledged) <= set(stored)
    assert len(stored) == MESSAGES + hellos


@pytest.mark.req("S152", "D11")
@pytest.mark.parametrize(
    "query",
    [
        "select message_id::text, recipient_id::text from message_deliveries",
        "select message_id::text, recipient_id::text from notifications where channel = 'in_app'",
    ],
    ids=["delivery", "notification"],
)
def test_each_recipient_has_it_once(system: System, crowd: Crowd, query: str) -> None:
    rows = Counter(system.sql(query))  # type: ignore[arg-type]
    wanted = {(id, who) for id, all_ in crowd.recipients().items() for who in all_}

    assert {row: rows[row] for row in wanted if rows[row] != 1} == {}
    assert {row for row in rows if row[0] in crowd.recipients()} == wanted


@pytest.mark.req("S88")
def test_each_socket_has_applied_every_event_once_and_in_order(
    system: System, crowd: Crowd
) -> None:
    heads = dict(system.sql("select id::text, head_seq from conversations"))

    def behind() -> list[str]:
        return [
            f"{name} has {seq} of {heads[id]} in {id}"
            for name, listener in crowd.listeners.items()
            for id, seq in listener.cursors.items()
            if seq != heads[id]
        ]

    wait_until(lambda: not behind(), seconds=20, otherwise=behind)
    for name, listener in crowd.listeners.items():
        assert listener.wrong == [], name
        assert listener.connections >= 2, name
        for frames in listener.applied.values():
            seqs = [frame["seq"] for frame in frames]
            assert seqs == list(range(seqs[0], seqs[0] + len(seqs))), name


def test_what_a_socket_has_confirmed_is_delivered(system: System, crowd: Crowd) -> None:
    query = (
        "select status, count(*) from message_deliveries"
        " where conversation_id = any(%s::uuid[]) group by 1"
    )
    wanted = {"DELIVERED": sum(map(len, crowd.recipients().values()))}

    rooms = of_rooms(crowd)
    wait_until(lambda: dict(system.sql(query, rooms)).get("DELIVERED", 0) >= wanted["DELIVERED"])
    assert set(dict(system.sql(query, rooms))) == {"DELIVERED"}


def test_the_log_of_each_conversation_has_no_gap(system: System, crowd: Crowd) -> None:
    query = (
        "select conversation_id from events join conversations c on c.id = conversation_id"
        " group by conversation_id, head_seq"
        " having (min(seq), max(seq), count(*)) <> (1, head_seq, head_seq)"
    )

    assert system.sql(query) == []


def test_every_email_that_was_planned_has_left_at_least_once(system: System, crowd: Crowd) -> None:
    query = (
        "select opaque_id::text, status from notifications"
        " where channel = 'email' and conversation_id = any(%s::uuid[])"
    )
    planned = dict(system.sql(query, of_rooms(crowd)))
    sent = "".join(system.mails())

    assert planned
    assert set(planned.values()) == {"sent"}
    assert [id for id in planned if id not in sent] == []


def test_nothing_has_failed_for_good(system: System, crowd: Crowd) -> None:
    query = (
        "select kind, state, error_class from jobs where state <> 'completed'"
        " and coalesce(subject_id, run_id) = any(%s::uuid[])"
    )

    assert system.sql(query, list(crowd.acknowledged.values())) == []
    assert unfinished(system) == []


@pytest.mark.req("D5")
def test_no_log_says_what_was_written(system: System, crowd: Crowd) -> None:
    assert files_with(system.logs(), crowd.word) == []
