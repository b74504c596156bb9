"""Every operation that names an object, tried by everybody whose object it is not (S122, M7)."""

from typing import Any

import pytest

from messaging.models import Message, User
from messaging.services import accounts
from queueing.testing import work_all
from tests.keypairs import public
from tests.messaging.api.calls import V1
from tests.messaging.api.conftest import Client
from tests.messaging.api.contract import schema

METHODS = ("get", "put", "post", "delete", "patch")

# What an operation is called with, where its address alone does not do.
BODIES: dict[str, dict[str, Any]] = {
    "sendDirectMessage": {"recipientId": "{bob}", "content": "Hello"},
    "sendGroupMessage": {"conversationId": "{conversationId}", "content": "Hello"},
    "addParticipant": {"userId": "{stranger}"},
    "markRead": {"seq": 1},
    "editMessage": {"content": "Hello"},
    "activateKeyDevice": {"nonce": "A" * 43},
    "getSessionKey": {"keyId": "{keyId}", "deviceId": "{keyDeviceId}"},
}

READ = {"HTTP_IF_MATCH": "*"}  # for those operations that change what one has read

# About the caller and nobody else: there is no object of another's to name.
OWN = {
    "logIn",
    "refreshTokens",
    "logOut",
    "issueSocketTicket",
    "whoAmI",
    "changeMe",
    "listSessions",
    "listConversations",
    "startConversation",
    "listNotifications",
    "listDevices",
    "registerDevice",
    "listKeyDevices",
    "registerKeyDevice",
    "searchMessages",
    "listBatches",
    "sendBatch",  # somebody else's people are failures in it
    "getQueueMetrics",
    "getHealth",
    "getQueueHealth",
    "listFailedJobs",
    "listFailureCauses",
    "listAuditEvents",
}


def operations() -> list[tuple[str, str, str]]:
    """Every operation of the schema: its name, method and address."""
    return [
        (operation["operationId"], method, path)
        for path, found in schema()["paths"].items()
        for method, operation in found.items()
        if method in METHODS
    ]


@pytest.fixture
def objects(client: Client, alice: User, bob: User, carol: User) -> dict[str, str]:
    """A group of alice, bob and, until lately, carol, with a message of which bob was told."""
    people = {"participantIds": [str(bob.pk), str(carol.pk)]}
    group = client(alice).post(f"{V1}/conversations", people, format="json").json()["id"]
    client(alice).delete(f"{V1}/conversations/{group}/participants/{carol.pk}")
    body = {"conversationId": group, "content": "Hello"}
    sent = client(alice).post(f"{V1}/messages/group", body, format="json").json()
    order = {"batchId": "alices", "recipientIds": [str(bob.pk)], "content": "Hello"}
    client(alice).post(f"{V1}/messages/batch", order, format="json")
    work_all()
    return {
        "batchId": "alices",
        "conversationId": group,
        "messageId": sent["message"]["id"],
        "queue": "delivery",
        "jobId": sent["queue"]["jobIds"]["delivery"],
        "notificationId": client(bob).get(f"{V1}/notifications").json()["data"][0]["id"],
        "sessionId": str(accounts.open_session(user=bob).session_id),
        "userId": str(bob.pk),
        "deviceId": client(bob)
        .post(f"{V1}/devices", {"platform": "fcm", "token": "bob's"}, format="json")
        .json()["id"],
        "keyDeviceId": client(bob)
        .post(f"{V1}/keys/devices", {"label": "Phone", "jwk": public()}, format="json")
        .json()["id"],
        "keyId": str(Message.objects.get(pk=sent["message"]["id"]).key_id),
        "bob": str(bob.pk),
    }


def filled(value: Any, objects: dict[str, str]) -> Any:
    """*value* with the ids of *objects* in their places."""
    if isinstance(value, dict):
        return {name: filled(inner, objects) for name, inner in value.items()}
    return value.format(**objects) if isinstance(value, str) else value


def test_every_operation_either_names_an_object_or_is_about_the_caller() -> None:
    for name, _, path in operations():
        names_one = "{" in path.replace("{queue}", "") or "{" in str(BODIES.get(name, ""))
        assert names_one != (name in OWN), f"{name}: say in this file what it is about"


@pytest.mark.parametrize("who", ["mallory", "eve", "carol"])
def test_what_is_not_ones_own_is_not_there(
    client: Client, objects: dict[str, str], who: str, request: pytest.FixtureRequest
) -> None:
    stranger: User = request.getfixturevalue(who)
    known = objects | {"stranger": str(stranger.pk)}
    browser = client(stranger)

    for name, method, path in operations():
        if name in OWN or (name == "sendDirectMessage" and who != "mallory"):
            continue
        body = filled(BODIES.get(name), known)
        answer = getattr(browser, method)(filled(path, known), body, format="json", **READ)
        assert answer.status_code == 404, f"{who} got {answer.status_code} from {name}"


def test_an_operator_of_another_tenant_is_no_exception(
    client: Client, objects: dict[str, str], mallory: User
) -> None:
    User.objects.filter(pk=mallory.pk).update(is_staff=True)
    browser = client(mallory)

    for name, method, path in operations():
        if name not in OWN:
            body = filled(BODIES.get(name), objects | {"stranger": str(mallory.pk)})
            answer = getattr(browser, method)(filled(path, objects), body, format="json", **READ)
            assert answer.status_code == 404, f"an operator elsewhere got into {name}"
