"""What the required endpoints are tried on: real messages, and a dead letter that can die again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from messaging.models import User
from queueing.models import Job
from queueing.queues import Queue
from queueing.testing import make_due, work_all
from tests.messaging.api.required import fit

BOTH = pytest.mark.parametrize("prefix", ["/api/v1", "/api"])
EITHER = pytest.mark.parametrize("form", ["/messages/queue", "/queue"])
JOBS = pytest.mark.parametrize("form", ["/messages/jobs", "/jobs"])
Clients = Callable[..., APIClient]
Dead = Callable[[], str]


def names(queue: Queue) -> tuple[str, str, str]:
    """All that an address may call *queue*: its key, its wire name, its short name."""
    return queue.key, queue.name, queue.lane


@pytest.fixture
def room(client: Clients, alice: User, bob: User, carol: User) -> str:
    """A group of alice's."""
    people = {"participantIds": [str(bob.pk), str(carol.pk)]}
    answer = client(alice).post("/api/v1/conversations", people, format="json")
    return str(answer.json()["id"])


@pytest.fixture
def sent(client: Clients, alice: User, bob: User) -> dict[str, Any]:
    """What a sealed message of alice to bob was answered with; the workers have done their work."""
    body = {"recipientId": str(bob.pk), "content": "A canary sings", "encrypted": True}
    answer: dict[str, Any] = (
        client(alice).post("/api/v1/messages/direct", body, format="json").json()
    )
    work_all()
    return answer


@pytest.fixture
def dead(client: Clients, alice: User, room: str) -> Dead:
    """Makes deliveries fail for good: who wrote has left before it was due. Gives the job's id."""
    browser = client(alice)
    at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    body = {"conversationId": room, "content": "A canary sings", "scheduledAt": at}
    ids = []
    for _ in range(3):
        answer = browser.post("/api/v1/messages/group", body, format="json").json()
        fit("b-accepted", answer)
        ids.append(answer["queue"]["jobIds"]["delivery"])
    browser.delete(f"/api/v1/conversations/{room}/participants/{alice.pk}")

    def die() -> str:
        make_due()
        work_all()
        assert Job.objects.dead().filter(pk__in=ids).count() == len(ids)
        return str(ids[0])

    return die


@pytest.fixture
def staff(person: Callable[..., User]) -> User:
    """Who looks after the clinic's queues."""
    return person("staff", is_staff=True)
