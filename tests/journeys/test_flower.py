"""Flower shows the four steps as one chain, and neither whom nor what they were about."""

import re
import time
from collections import defaultdict
from contextlib import suppress
from typing import Any

import pytest

from config.schedule import SCHEDULE
from queueing.queues import QUEUES
from tests.system.rest import get_with_password
from tests.system.system import System
from tests.system.waiting import wait_until

pytestmark = pytest.mark.journey

CHAIN = ("encryption.drain", "delivery.drain", "notification.drain", "indexing.drain")

CLOCKED = {row.task or row.name for row in SCHEDULE}  # what beat starts
WINDOW = re.compile(r"{}|{'window': '[-0-9T:.+]+'}")
COUNTS = re.compile(r"done=\d+ waiting=\d+")


def tasks(system: System) -> list[dict[str, Any]]:
    """All tasks that Flower knows, through its API."""
    login = f"{system.environment['FLOWER_USER']}:{system.environment['FLOWER_PASSWORD']}"
    reply = get_with_password(f"{system.flower}/api/tasks", login)
    assert reply.status == 200, reply
    return list(reply.json.values())


def whole_chain(system: System, since: float) -> list[dict[str, Any]] | None:
    """The tasks under one root, received since then, that were all four steps and went well."""
    chains = defaultdict(list)
    for task in tasks(system):
        if (task["received"] or 0) >= since and task["state"] == "SUCCESS":
            chains[task["root_id"]].append(task)
    return next((chain for chain in chains.values() if names(chain) >= set(CHAIN)), None)


def names(chain: list[dict[str, Any]]) -> set[str]:
    return {task["name"] for task in chain}


def test_flower_asks_for_a_log_in(system: System) -> None:
    for page in ("/", "/api/tasks", "/api/workers", "/tasks"):
        for login in ("", "operator:wrong"):
            assert get_with_password(f"{system.flower}{page}", login).status == 401, page


@pytest.mark.req("S43", "S130", "D4")
def test_flower_shows_the_steps_of_a_message_under_one_root(system: System) -> None:
    chain = None
    for _ in range(5):  # a sweeper may be faster than the chain, which is as good
        began = time.time()
        body = {"recipientId": system.people["bob"], "content": "Good day.", "encrypted": True}
        assert system.api("alice").post("/messages/direct", body).status == 202
        with suppress(AssertionError):
            chain = wait_until(lambda: whole_chain(system, began), seconds=4)  # noqa: B023
            break

    assert chain, [(task["name"], task["root_id"], task["state"]) for task in tasks(system)]
    for task in chain:
        assert (task["args"], task["kwargs"]) == ("()", "{}"), task
        assert COUNTS.search(task["result"]), task


def test_flower_knows_every_task_by_its_name_and_with_no_argument(system: System) -> None:
    for task in tasks(system):
        if not task["received"]:  # it began before Flower listened, and has nothing there
            assert (task["args"], task["kwargs"]) == (None, None), task
        elif task["name"] in CLOCKED:
            assert task["args"] == "()", task
            assert WINDOW.fullmatch(task["kwargs"]), task
        else:
            assert task["name"].endswith(".drain"), task
            assert (task["args"], task["kwargs"]) == ("()", "{}"), task


@pytest.mark.req("S130")
def test_flower_shows_the_health_of_every_queue(system: System) -> None:
    def shown() -> dict[str, str]:
        found = [task for task in tasks(system) if (task["name"] or "").startswith("health.")]
        return {task["name"]: task["result"] for task in found if task["state"] == "SUCCESS"}

    wait_until(lambda: len(shown()) == len(QUEUES), seconds=60)

    for result in shown().values():
        assert re.search(r"(healthy|degraded|paused) waiting=\d+ oldest=[\d.]+s", result), result
