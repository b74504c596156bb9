"""Calls about keys that more than one file makes."""

from typing import Any

from rest_framework.test import APIClient

from crypto_core import jose
from crypto_core.devices import CHALLENGE
from crypto_core.suite import b64
from messaging.models import Message, User
from queueing.testing import work_all
from tests.keypairs import private, public
from tests.messaging.api.calls import V1

DEVICES = f"{V1}/keys/devices"


def register(browser: APIClient, name: str = "one", **more: Any) -> Any:
    """Ask for a device with the key pair *name*."""
    body = {"label": "Phone", "jwk": public(name)} | more
    return browser.post(DEVICES, {k: v for k, v in body.items() if v is not None}, format="json")


def nonce_of(made: Any, name: str = "one") -> str:
    """What the holder of the key answers to the challenge in *made*."""
    return b64(jose.decrypt(made.json()["challenge"]["jwe"], private(name), typ=CHALLENGE))


def activate(browser: APIClient, made: Any, nonce: str) -> Any:
    return browser.post(f"{DEVICES}/{made.json()['id']}/activate", {"nonce": nonce}, format="json")


def device(browser: APIClient, name: str = "one") -> str:
    """The id of an active device."""
    made = register(browser, name)
    assert activate(browser, made, nonce_of(made, name)).status_code == 200
    return str(made.json()["id"])


def ask(browser: APIClient, conversation: str, kid: str, device_id: str) -> Any:
    query = {"keyId": kid, "deviceId": device_id}
    return browser.get(f"{V1}/conversations/{conversation}/session-keys", query)


def sent(answer: Any) -> Message:
    """The message that was accepted, after its steps."""
    assert answer.status_code == 202, answer.json()
    work_all()
    return Message.objects.get(pk=answer.json()["message"]["id"])


def say(browser: APIClient, conversation: str, text: str = "Hello") -> Message:
    body = {"conversationId": conversation, "content": text, "encrypted": True}
    return sent(browser.post(f"{V1}/messages/group", body, format="json"))


def group(browser: APIClient, *people: User) -> str:
    body = {"participantIds": [str(person.pk) for person in people]}
    return str(browser.post(f"{V1}/conversations", body, format="json").json()["id"])


def rotate(browser: APIClient, conversation: str) -> Any:
    return browser.post(f"{V1}/conversations/{conversation}/session-keys/rotate")
