"""Delivered acknowledgements: collected, the highest wins, none lost while the database is away."""

import asyncio
from uuid import uuid4

import pytest

from messaging.realtime import limits
from messaging.realtime.acks import Acks, Row

pytestmark = pytest.mark.asyncio
ALICE, BOB, ROOM = uuid4(), uuid4(), uuid4()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ACKS", 0.02)
    monkeypatch.setattr(limits, "RETRY", 0.02)


async def test_many_acknowledgements_are_one_call_with_the_highest_of_each() -> None:
    stored: list[list[Row]] = []

    async def store(rows: list[Row]) -> None:
        stored.append(rows)

    acks = Acks(store)
    for seq in (1, 3, 2):
        acks.note(ALICE, ROOM, seq)
    acks.note(BOB, ROOM, 1)
    await asyncio.sleep(0.06)
    acks.note(ALICE, ROOM, 4)
    await asyncio.sleep(0.06)

    assert stored == [[(ALICE, ROOM, 3), (BOB, ROOM, 1)], [(ALICE, ROOM, 4)]]


async def test_what_cannot_be_stored_waits_and_is_joined_by_what_comes() -> None:
    stored: list[list[Row]] = []
    trouble = [OSError("away"), OSError("away")]

    async def store(rows: list[Row]) -> None:
        if trouble:
            raise trouble.pop()
        stored.append(rows)

    acks = Acks(store)
    acks.note(ALICE, ROOM, 5)
    await asyncio.sleep(0.03)
    acks.note(ALICE, ROOM, 4)
    acks.note(BOB, ROOM, 1)
    await asyncio.sleep(0.1)

    assert stored == [[(ALICE, ROOM, 5), (BOB, ROOM, 1)]]
