"""/live and /ready."""

import pytest
from django.test import Client as Browser

from queueing import wakeup
from queueing.api import probes
from queueing.ids import uuid7
from queueing.lanes import Identity
from queueing.queues import QUEUES

pytestmark = pytest.mark.django_db


@pytest.fixture
def unknown_migrations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "_migrated", set())
    monkeypatch.setattr(wakeup, "answers", lambda: True)


@pytest.mark.usefixtures("unknown_migrations")
def test_ready_names_every_queue_as_served() -> None:
    Identity(uuid7(), "all@here", 2, QUEUES).beat()

    answer = Browser().get("/ready")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "checks": {"postgres": True, "redis": True, "migrations": True},
        "queues": {queue.name: {"served": True, "workers": 1} for queue in QUEUES},
    }
    assert Browser().get("/ready").status_code == 200


@pytest.mark.usefixtures("unknown_migrations")
def test_a_queue_that_nobody_serves_is_not_ready() -> None:
    Identity(uuid7(), "hot@here", 2, QUEUES[:5]).beat()

    answer = Browser().get("/ready")

    assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
    assert answer.json()["queues"]["message-cleanup"] == {"served": False, "workers": 0}


@pytest.mark.usefixtures("unknown_migrations")
def test_without_redis_it_is_ready_and_degraded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakeup, "answers", lambda: False)
    Identity(uuid7(), "all@here", 2, QUEUES).beat()

    answer = Browser().get("/ready")

    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")


@pytest.mark.usefixtures("unknown_migrations")
def test_without_postgres_it_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise probes.DatabaseError

    monkeypatch.setattr(probes, "is_migrated", away)

    answer = Browser().get("/ready")

    assert (answer.status_code, answer.json()["checks"]["postgres"]) == (503, False)


def test_it_is_alive() -> None:
    assert Browser().get("/live").json() == {"status": "live"}
