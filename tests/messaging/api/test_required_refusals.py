"""To whom the required endpoints answer nothing, under every one of their addresses."""

from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from messaging.models import User
from queueing.models import Job
from queueing.queues import QUEUES
from tests.messaging.api.conftest import Client
from tests.messaging.api.required.scene import BOTH, Dead, names


def tries(
    api: APIClient, prefix: str, message: str, job_id: str, room: str, bob: User
) -> list[tuple[str, Any]]:
    """What *api* is answered for every required endpoint that names somebody's object."""
    retry = [f"{prefix}{form}/{job_id}/retry" for form in ("/messages/jobs", "/jobs")]
    retry += [
        f"{prefix}{form}/{name}/failed/{job_id}/retry"
        for form in ("/messages/queue", "/queue")
        for name in names(QUEUES[0])
    ]
    reads = [f"{prefix}{form}/{job_id}" for form in ("/messages/jobs", "/jobs")]
    reads += [f"{prefix}/messages/{message}", f"{prefix}/messages/{message}/deliveries"]
    direct = {"recipientId": str(bob.pk), "content": "Hello", "encrypted": True}
    group = {"conversationId": room, "content": "Hello", "encrypted": True}
    return [
        *((url, api.get(url)) for url in reads),
        *((url, api.post(url, {}, format="json")) for url in retry),
        ("direct", api.post(f"{prefix}/messages/direct", direct, format="json")),
        ("group", api.post(f"{prefix}/messages/group", group, format="json")),
    ]


@BOTH
@pytest.mark.req("S122")
@pytest.mark.parametrize("is_staff", [False, True])
def test_to_mallory_nothing_of_it_is_there(
    client: Client, bob: User, mallory: User, sent: dict[str, Any], dead: Dead, room: str,
    prefix: str, is_staff: bool,
) -> None:  # fmt: skip
    User.objects.filter(pk=mallory.pk).update(is_staff=is_staff)
    mallory.refresh_from_db()
    job_id, before = dead(), Job.objects.count()
    api = client(mallory)

    found = tries(api, prefix, sent["message"]["id"], job_id, room, bob)
    nowhere = tries(api, prefix, str(uuid4()), str(uuid4()), str(uuid4()), bob)

    assert {url: answer.status_code for url, answer in found if answer.status_code != 404} == {}
    for (_, answer), (_, other) in zip(found, nowhere, strict=True):
        hers, theirs = answer.json(), other.json()
        assert hers | {"requestId": ""} == theirs | {"requestId": ""}  # as if it did not exist
    for form in ("/messages/queue", "/queue"):
        for name in names(QUEUES[0]):
            answer = api.get(f"{prefix}{form}/{name}/failed")
            assert answer.status_code == (200 if is_staff else 403)
            assert answer.json().get("data", []) == []
    assert (Job.objects.count(), Job.objects.get(pk=job_id).state) == (before, "failed")


@BOTH
@pytest.mark.req("S122")
def test_without_a_token_there_is_no_answer(client: Client, bob: User, prefix: str) -> None:
    api, some = client(), str(uuid4())
    for url, answer in tries(api, prefix, some, some, some, bob):
        assert answer.status_code == 401, url
    queue = f"{prefix}/messages/queue"
    for url in (f"{queue}/metrics", f"{queue}/health", f"{queue}/delivery/health"):
        assert api.get(url).status_code == 401, url
    assert api.post(f"{prefix}/messages/batch", {}, format="json").status_code == 401
