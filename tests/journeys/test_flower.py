"""Flower shows the four steps as one chain, and neither whom nor what they were about."""

import time
from collections import defaultdict
from typing import Any

import pytest

from config.schedule import SCHEDULE
from tests.system.rest import get_with_password
from tests.system.system import System
from tests.system.waiting import wait_until

pytestmark = pytest.mark.journey

CHAIN = ("encryption.drain", "delivery.drain", "notification.drain", "indexing.drain")

CLOCKED = {row.task or row.name for row in SCHEDULE}  # what beat starts


def tasks(system: System) -> list[dict[str, Any]]:
    """All tasks that Flower knows, through its API."""
    login = f"{system.environment['FLOWER_USER']}:{system.environment['FLOWER_PASSWORD']}"
    reply = get_with_password(f"{system.flower}/api/tasks", login)
    assert reply.status == 200, reply
    return list(reply.json.values())


def chains_since(system: System, moment: float) -> dict[str, list[dict[str, Any]]]:
    """The tasks received since *moment*, by their root."""
    found = defaultdict(list)
    for task in tasks(system):
        if task["received"] and task["received"] >= moment:
            found[task["root_id"] or task["uuid"]].append(task)
    return found


def test_flower_asks_for_a_log_in(system: System) -> None:
    for page in ("/", "/api/tasks", "/api/workers", "/tasks"):
        for login in ("", "operator:wrong"):
            assert get_with_password(f"{system.flower}{page}", login).status == 401, page


def test_flower_shows_the_steps_of_a_message_under_one_root(system: System) -> None:
    whole = None
    for _ in range(5):  # a sweeper may have been faster than the chain, which is as good
        began = time.time()
        body = {"recipientId": system.people["bob"], "content": "Good day.", "encrypted": True}
        assert system.api("alice").post("/messages/direct", body).status == 202
        time.sleep(2)
        chains = chains_since(system, began).values()
        whole = next((c for c in chains if {t["name"] for t in c} >= set(CHAIN)), None)
        if whole:
            break

    assert whole, [sorted(t["name"] for t in chain) for chain in chains]
    for task in whole:
        assert task["args"] in ("()", "", None, "[]"), task
        assert task["kwargs"] in ("{}", "", None), task
        wait_until(lambda: task["state"] == "SUCCESS")  # noqa: B023
        assert any(digit in task["result"] for digit in "0123456789"), task


def test_flower_knows_every_task_by_its_lane_and_with_no_argument(system: System) -> None:
    for task in tasks(system):
        heard = task["received"]  # else it began before Flower listened, and has no name there
        assert not heard or task["name"].endswith(".drain") or task["name"] in CLOCKED, task
        assert task["args"] in ("()", "", None, "[]"), task
        assert task["kwargs"] in ("{}", "", None), task
