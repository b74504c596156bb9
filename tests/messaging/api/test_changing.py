"""Editing and deleting over REST: versions, refusals, and what the answers look like."""

import pytest

from messaging.models import Message, User
from queueing.testing import work_all
from tests.messaging.api.calls import direct
from tests.messaging.api.conftest import Client

NEW = {"content": "Good evening"}


@pytest.fixture
def where(client: Client, alice: User, bob: User) -> str:
    """The address of a message of alice's to bob."""
    return str(direct(client(alice), bob)["Location"])


def test_an_edit_answers_with_the_next_version_and_its_jobs(
    client: Client, alice: User, bob: User, where: str
) -> None:
    hers = client(alice)
    tag = hers.get(where)["ETag"]

    answer = hers.patch(where, NEW, format="json", HTTP_IF_MATCH=tag)
    work_all()

    body = answer.json()
    assert (answer.status_code, answer["ETag"], tag) == (202, '"2"', '"1"')
    assert body["message"]["version"] == 2 and "content" not in body["message"]
    assert set(body["queue"]["jobIds"]) == {"encryption", "indexing"}
    for link in body["links"]["jobs"].values():
        assert hers.get(link).json()["state"] == "completed"
    read = client(bob).get(where)
    assert (read.json()["content"], read["ETag"]) == ("Good evening", '"2"')


def test_a_message_is_deleted_once(client: Client, alice: User, bob: User, where: str) -> None:
    hers = client(alice)

    assert hers.delete(where, HTTP_IF_MATCH='"1"').status_code == 204
    assert hers.delete(where, HTTP_IF_MATCH='"1"').status_code == 404
    assert client(bob).get(where).status_code == 404


@pytest.mark.parametrize(
    ("tag", "status"),
    [
        (None, 428),
        ("1", 400),
        ('"1', 400),
        ('"2"', 412),
        ('W/"1"', 412),
        ('"x", W/"1"', 412),
        ('"9999999999"', 412),
        ("*", 202),
        ('"1"', 202),
        ('"7", "1"', 202),
    ],
)
def test_only_who_says_what_they_have_read_may_change_it(
    client: Client, alice: User, where: str, tag: str | None, status: int
) -> None:
    headers = {"HTTP_IF_MATCH": tag} if tag else {}

    assert client(alice).patch(where, NEW, format="json", **headers).status_code == status
    if status != 202:
        assert client(alice).delete(where, **headers).status_code == status
        assert Message.objects.get().version == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"content": ""},
        {"content": 3},
        {"content": "x" * 10_001},
        {"content": "x", "senderId": "x"},
        {"content": "x", "metadata": []},
    ],
)
def test_what_is_no_edit_is_refused(
    client: Client, alice: User, where: str, body: dict[str, object]
) -> None:
    answer = client(alice).patch(where, body, format="json", HTTP_IF_MATCH="*")

    assert answer.status_code == 400
    assert answer.json()["errors"]


def test_a_recipient_may_not_and_mallory_finds_nothing(
    client: Client, bob: User, eve: User, mallory: User, where: str
) -> None:
    for who, status in ((bob, 403), (eve, 404), (mallory, 404), (None, 401)):
        browser = client(who)
        assert browser.patch(where, NEW, format="json", HTTP_IF_MATCH="*").status_code == status
        assert browser.delete(where, HTTP_IF_MATCH="*").status_code == status

    assert Message.objects.get().version == 1
