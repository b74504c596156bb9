"""What the pages show works: requests are sent, programs are run, shell lines are read.

A ```http block that is a request is sent, by alice unless its first line names somebody else; one
that is an answer is compared, by status and form, with what came. Names in braces are ids.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.urls import resolve
from django.utils import timezone
from rest_framework.test import APIClient

from messaging.models import User
from messaging.realtime import frames
from messaging.services import accounts, identities
from queueing.models import Job
from queueing.testing import work_all
from tests.conftest import PASSWORD
from tests.test_house import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("*/README.md")])
BLOCK = re.compile(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
API = ROOT / "docs" / "QUEUE_API_ENDPOINTS.md"
ID = "01990000-0000-7000-8000-000000000000"
USE = """
import { Waxwing } from "./client.mjs";
const [base, token, recipient] = process.argv.slice(2);
const client = new Waxwing(base, token);
const sent = await client.send(recipient, "Hello", { notify: false });
const job = await client.job(sent.queue.jobIds.encryption);
const refused = await client.send(recipient, "").catch((error) => error.problem.status);
console.log(job.state, refused);
"""


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: Path
    language: str
    word: str  # after the language
    text: str


def blocks(*languages: str) -> Iterator[Block]:
    for page in PAGES:
        for language, word, text in BLOCK.findall(page.read_text()):
            if language in languages:
                yield Block(page, language, word, text)


def each(*languages: str) -> pytest.MarkDecorator:
    """The test once for every block in one of *languages*."""
    found = list(blocks(*languages))
    names = [f"{block.page.name}-{number}" for number, block in enumerate(found)]
    return pytest.mark.parametrize("block", found, ids=names)


def logged_in(user: User | None, **headers: str) -> APIClient:
    """A client of *user*'s, or of nobody's."""
    if user is not None:
        headers["Authorization"] = f"Bearer {token_of(user)}"
    return APIClient(headers=headers)


def token_of(user: User) -> str:
    return accounts.open_session(user=user, user_agent="tests").access


@pytest.fixture
def ids(db: None, alice: User, bob: User) -> dict[str, str]:
    """What the names in braces stand for: a group, a message that has arrived, a dead letter."""
    identities.forget_all()
    browser = logged_in(alice)

    def post(path: str, body: dict[str, object]) -> Any:
        return browser.post(f"/api/v1/{path}", body, format="json")

    group = post("conversations", {"participantIds": [str(bob.pk)]}).json()["id"]
    sends = [
        post("messages/direct", {"recipientId": str(bob.pk), "content": "One", "encrypted": True}),
        post("messages/direct", {"recipientId": str(bob.pk), "content": "Two", "encrypted": True}),
    ]
    work_all()
    good, dead = [sent.json()["queue"]["jobIds"]["delivery"] for sent in sends]
    Job.objects.filter(id=dead).update(
        state="failed", error_class="unreachable", finished_at=timezone.now()
    )
    return {
        "recipientId": str(bob.pk),
        "conversationId": group,
        "messageId": sends[0].json()["message"]["id"],
        "jobId": good,
        "failedJobId": dead,
        "password": PASSWORD,
    }


@pytest.mark.req("S153")
@pytest.mark.django_db
def test_the_requests_of_the_page_get_the_answers_of_the_page(
    ids: dict[str, str], alice: User, operator: User
) -> None:
    callers = {"": alice, "operator": operator, "nobody": None}
    seen, answer = 0, None
    for block in (block for block in blocks("http") if block.page == API):
        if block.text.startswith("HTTP/1.1"):
            status, body = re.fullmatch(r"HTTP/1.1 (\d+) .*?\n\n(.*)", block.text, re.S).groups()
            assert answer is not None and answer.status_code == int(status), block.text
            assert form(json.loads(body), answer.json()) == [], block.text
            seen += 1
        else:
            answer = asked(callers[block.word], block.text, ids)
            assert answer.status_code < 500, block.text

    assert seen >= 10


def asked(user: User | None, text: str, ids: dict[str, str]) -> Any:
    """The answer to the request that *text* is."""
    for name, value in ids.items():
        text = text.replace(f"{{{name}}}", value)
    head, _, body = text.partition("\n\n")
    (method, path), *headers = (line.split(maxsplit=1) for line in head.splitlines())
    browser = logged_in(user, **{name.rstrip(":"): value for name, value in headers})
    return browser.generic(method, path, body.strip(), content_type="application/json")


def form(shown: Any, got: Any, at: str = "") -> list[str]:
    """Where *got* has another form than what is *shown*."""
    if isinstance(shown, dict) and isinstance(got, dict):
        names = shown.keys() if at.endswith("/queues") else shown.keys() | got.keys()
        missing = [f"{at}/{name}" for name in names if name not in shown or name not in got]
        inner = [form(shown[name], got[name], f"{at}/{name}") for name in shown if name in got]
        return [*missing, *(fault for faults in inner for fault in faults)]
    if isinstance(shown, list) and isinstance(got, list):
        return [fault for a, b in zip(shown, got, strict=False) for fault in form(a, b, f"{at}/0")]
    return [] if type(shown) is type(got) else [f"{at}: {shown!r} is not like {got!r}"]


@each("http")
def test_every_path_that_a_page_names_is_there(block: Block) -> None:
    first = block.text.splitlines()[0]
    if first.startswith("HTTP/1.1"):
        return
    path = re.sub(r"\{\w+\}", ID, first.split()[1])

    assert resolve(path.partition("?")[0])


@each("json")
def test_json_is_json_and_frames_are_frames(block: Block) -> None:
    found = json.loads(block.text)

    kinds = {kind.__struct_config__.tag for kind in frames.ClientFrame.__subclasses__()}
    if found.get("type") in kinds:
        frames.parse(block.text.replace("0199…", ID))


@pytest.mark.req("S155")
@each("sh")
def test_shell_lines_can_be_read_and_name_what_is_there(block: Block) -> None:
    done = subprocess.run(["bash", "-n"], input=block.text, text=True, capture_output=True)
    targets = re.findall(r"^make (\w+)", block.text, re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text()

    assert done.returncode == 0, done.stderr
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
    for command in re.findall(r"manage\.py (\w+)", block.text):
        assert command in {"check", "createsuperuser", "migrate"} or list(
            ROOT.glob(f"*/management/commands/{command}.py")
        ), command


@pytest.mark.req("S154")
@each("python")
@pytest.mark.django_db
def test_python_runs(block: Block, operator: User) -> None:
    names = {"tenant_id": operator.tenant_id, "actor_id": operator.pk, "message_id": UUID(ID)}

    exec(compile(block.text, str(block.page), "exec"), names)


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
@each("js")
def test_javascript_can_be_read(block: Block, tmp_path: Path) -> None:
    (tmp_path / "block.mjs").write_text(block.text)

    done = subprocess.run(["node", "--check", "block.mjs"], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
@pytest.mark.req("S153")
@pytest.mark.django_db(transaction=True)
def test_the_client_of_the_page_sends(
    live_server: Any, tmp_path: Path, alice: User, bob: User
) -> None:
    identities.forget_all()
    client = next(block.text for block in blocks("js") if "class Waxwing" in block.text)
    (tmp_path / "client.mjs").write_text(client)
    (tmp_path / "use.mjs").write_text(USE)
    token = token_of(alice)

    done = subprocess.run(
        ["node", "use.mjs", live_server.url, token, str(bob.pk)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.stdout.split() == ["waiting", "400"], done.stderr
