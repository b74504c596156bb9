"""clients/js/waxwing.mjs as it stands, in Node's WebCrypto, against a running system."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.system.canary import word
from tests.system.system import ROOT, System
from tests.system.waiting import wait_until

pytestmark = pytest.mark.journey
OLDEST = 20  # of Node: the first with all of WebCrypto that the reader needs as a global
DRIVER = Path(__file__).with_name("reader.mjs")
CLIENT = ROOT / "clients" / "js" / "waxwing.mjs"


class Node:
    """Bob's device in a process of its own."""

    def __init__(self, program: str) -> None:
        self._process = subprocess.Popen(
            [program, str(DRIVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, name: str, **values: object) -> dict[str, Any]:
        """What the driver answers."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps({"ask": name, **values}) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


def usable_node() -> str:
    """The program; without it this is skipped on a desk, and fails where changes are accepted."""
    program = shutil.which("node")
    version = program and subprocess.run([program, "--version"], capture_output=True, text=True)
    found = re.match(r"v(\d+)", version.stdout) if version else None
    if program and found and int(found[1]) >= OLDEST:
        return program
    reason = f"Node {OLDEST} or newer is not there, so nobody has tried {CLIENT.name}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def node() -> Iterator[Node]:
    """Node with nothing registered."""
    made = Node(usable_node())
    yield made
    made.close()


def sealed_frame(system: System, text: str) -> dict[str, Any]:
    """What bob's socket is sent of a message of alice's, in the sealed form."""
    body = {"recipientId": system.people["bob"], "content": text, "encrypted": True}
    message = system.api("alice").post("/messages/direct", body).json["message"]
    conversation = message["conversationId"]
    listener = system.listen("bob", {conversation: message["seq"] - 1}, content="sealed")
    try:
        frame: dict[str, Any] = listener.event(message["id"])
    finally:
        listener.close()
    assert frame["data"]["isEncrypted"] and text not in json.dumps(frame)
    return frame


def bobs_device(system: System, node: Node) -> str:
    """The id of bob's device, which has proven its key."""
    answer = node.ask("register", url=system.web, token=system.token("bob"), label="Node")
    assert "id" in answer, answer
    return str(answer["id"])


@pytest.mark.req("S58", "S68")
def test_a_browsers_cryptography_opens_what_the_server_sealed(system: System, node: Node) -> None:
    device = bobs_device(system, node)
    texts = [word(), "Grüße 👩‍⚕️ \u0000"[:-1], "é" * 5_000, "\u0080"]

    for text in texts:
        assert node.ask("open", frame=sealed_frame(system, text)) == {"text": text}

    state = system.sql("select state, jwk from key_devices where id = %s", device)
    assert [(state[0][0], sorted(state[0][1]))] == [("active", ["e", "kty", "n"])]


@pytest.mark.req("S63")
def test_a_socket_is_told_of_a_new_key_and_reads_on(system: System, node: Node) -> None:
    bobs_device(system, node)
    before = sealed_frame(system, word())
    conversation = before["conversationId"]
    listener = system.listen("bob", {conversation: before["seq"]}, content="sealed")

    path = f"/conversations/{conversation}/session-keys/rotate"
    made = system.api("alice").post(path).json["keyId"]

    signal = wait_until(
        lambda: [each for each in listener.frames if each.get("event") == "session_key.rotated"]
    )[0]
    listener.close()
    text = word()
    after = sealed_frame(system, text)
    assert (signal["type"], signal["data"], "seq" in signal) == ("signal", {"keyId": made}, False)
    assert after["data"]["encryptionMetadata"]["keyId"] == made
    assert node.ask("open", frame=after) == {"text": text}


@pytest.mark.req("S58")
def test_the_private_half_cannot_leave_the_device(system: System, node: Node) -> None:
    bobs_device(system, node)

    assert "not extractable" in node.ask("exportPrivate")["error"]


def test_a_frame_that_was_tampered_with_does_not_open(system: System, node: Node) -> None:
    bobs_device(system, node)
    frame = sealed_frame(system, word())
    data = frame["data"]
    other = sealed_frame(system, word())["data"]

    for changed in (
        {"messageId": other["messageId"]},
        {"content": other["content"]},
        {"encryptionMetadata": data["encryptionMetadata"] | {"iv": "A" * 16}},
        {"encryptionVersion": "2"},
    ):
        assert "error" in node.ask("open", frame=frame | {"data": data | changed}), changed
    assert "text" in node.ask("open", frame=frame)


@pytest.mark.req("S63", "S65")
def test_a_revoked_device_opens_what_it_had_and_nothing_that_follows(
    system: System, node: Node
) -> None:
    device = bobs_device(system, node)
    before = sealed_frame(system, word())
    assert "text" in node.ask("open", frame=before)

    assert system.api("bob").delete(f"/keys/devices/{device}").status == 204

    after = sealed_frame(system, word())
    keys = [frame["data"]["encryptionMetadata"]["keyId"] for frame in (before, after)]
    assert keys[0] != keys[1]
    assert "404" in node.ask("open", frame=after)["error"]
    node.ask("forget")
    assert "404" in node.ask("open", frame=before)["error"]


@pytest.mark.req("S65")
def test_a_device_of_somebody_elses_opens_nothing(system: System, node: Node) -> None:
    answer = node.ask("register", url=system.web, token=system.token("mallory"), label="Hers")
    assert "id" in answer, answer

    assert "404" in node.ask("open", frame=sealed_frame(system, word()))["error"]


def test_the_reader_is_short_enough_to_be_read() -> None:
    lines = CLIENT.read_text().splitlines()

    assert len(lines) <= 90
    assert "import" not in {line.split(" ")[0] for line in lines}
