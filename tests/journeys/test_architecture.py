"""docs/architecture.md says what happens to one message; this watches it happen."""

import ast
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType

import pytest

from messaging.models import User
from messaging.services import receipts
from messaging.services.idempotency import Key
from messaging.services.sending import Draft, send_direct
from queueing.testing import work_all

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text()
ANY_HOP = re.compile(r"`([\w/]+\.py):([\w.]+)`")
LISTED_HOP = re.compile(r"^\d+\. `([\w/]+\.py):([\w.]+)`", re.MULTILINE)
SOCKETS = "messaging/realtime/"  # another process: the journeys watch that one from outside
Hop = tuple[str, str]


def section() -> str:
    return PAGE.split("\n## One message\n")[1].split("\n## ")[0]


def walk() -> list[list[list[Hop]]]:
    """The hops of the section: its lists in their order, each of chains that stand side by side."""
    lists: list[list[list[Hop]]] = []
    said = ""
    for paragraph in section().split("\n\n"):
        if hops := LISTED_HOP.findall(paragraph):
            lists.append(chains(hops) if "side by side" in said else [hops])
        said = paragraph
    return lists


def chains(hops: list[Hop]) -> list[list[Hop]]:
    """*hops* cut before each step of a message's life."""
    found: list[list[Hop]] = []
    for hop in hops:
        if hop[0].startswith("messaging/stages/") or not found:
            found.append([])
        found[-1].append(hop)
    return found


def functions_of(path: str) -> set[str]:
    """The qualified names of the functions that *path* defines."""

    def within(node: ast.AST, prefix: str) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                yield from within(child, f"{prefix}{child.name}.")
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{prefix}{child.name}"

    return set(within(ast.parse((ROOT / path).read_text()), ""))


@contextmanager
def watching() -> Iterator[list[Hop]]:
    """The calls of our own functions, in this thread and in those that it starts."""
    calls: list[Hop] = []
    known: dict[CodeType, Hop | None] = {}

    def place(code: CodeType) -> Hop | None:
        path = Path(code.co_filename)
        inside = path.is_relative_to(ROOT) and ".venv" not in path.parts
        return (str(path.relative_to(ROOT)), code.co_qualname) if inside else None

    def profile(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            code = frame.f_code
            if code not in known:
                known[code] = place(code)
            if hop := known[code]:
                calls.append(hop)

    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        yield calls
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]


def missing_from(calls: list[Hop], lists: list[list[list[Hop]]]) -> list[Hop]:
    """Of each chain the first hop that does not follow in *calls*, and all after it."""
    missing, start = [], 0
    for side_by_side in lists:
        ends = [start]
        for chain in side_by_side:
            left = [hop for hop in chain if not hop[0].startswith(SOCKETS)]
            at = start
            while left and at < len(calls):
                if calls[at] == left[0]:
                    del left[0]
                at += 1
            missing += left
            ends.append(at)
        start = max(ends)
    return missing


def test_the_page_lists_the_walk_of_one_message() -> None:
    listed = [hop for chains in walk() for chain in chains for hop in chain]

    assert len(listed) >= 15
    assert listed == ANY_HOP.findall(section())


@pytest.mark.parametrize(
    "hop", sorted(set(ANY_HOP.findall(PAGE))), ids=lambda hop: f"{hop[0]}:{hop[1]}"
)
def test_every_function_that_the_page_names_exists(hop: Hop) -> None:
    path, name = hop

    assert (ROOT / path).exists()
    assert name in functions_of(path)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w/]+\.(?:py|toml|md))[:`]", PAGE))))
def test_every_file_that_the_page_names_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.req("S43", "S154")
@pytest.mark.django_db(transaction=True)
def test_one_message_walks_as_the_page_says(alice: User, bob: User) -> None:
    key = Key.of("k-1", "POST", "/messages/direct", b"{}")

    with watching() as calls:
        draft = Draft(content="The results are in.", encrypted=True)
        answer = send_direct(sender=alice, recipient_id=bob.pk, draft=draft, key=key)
        work_all()
        message = answer.body["message"]
        receipts.delivered(bob, message["conversationId"], message["seq"])
        receipts.read(bob, message["conversationId"], message["seq"])

    assert missing_from(calls, walk()) == []


def test_a_walk_that_is_told_in_another_order_is_noticed() -> None:
    one, two, three = ("a.py", "one"), ("a.py", "two"), ("a.py", "three")

    assert missing_from([one, three, two, one], [[[one]], [[two], [three]]]) == []
    assert missing_from([two, one, three], [[[one]], [[two], [three]]]) == [two]
    assert missing_from([one, two, three], [[[one], [two]], [[three, one]]]) == [one]
