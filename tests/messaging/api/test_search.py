"""Searching over REST."""

import pytest
from rest_framework.test import APIClient

from messaging.models import User
from queueing.testing import work_all
from tests.messaging.api.calls import V1
from tests.messaging.api.conftest import Client

SEARCH = f"{V1}/messages/search"


def found(browser: APIClient, query: str) -> list[str]:
    answer = browser.get(f"{SEARCH}?{query}")
    assert answer.status_code == 200, answer.json()
    return [row["content"] for row in answer.json()["data"]]


@pytest.fixture
def conversation(client: Client, alice: User, bob: User) -> str:
    """The conversation of alice and bob, with three sealed messages that are indexed."""
    where = ""
    for content in ("The blood count is normal", "Call the lab", "Another blood test on Monday"):
        body = {"recipientId": str(bob.pk), "content": content, "encrypted": True}
        sent = client(alice).post(f"{V1}/messages/direct", body, format="json").json()
        where = sent["message"]["conversationId"]
    work_all()
    return where


def test_both_find_a_sealed_message_by_its_words(
    client: Client, alice: User, bob: User, conversation: str
) -> None:
    expected = ["Another blood test on Monday", "The blood count is normal"]

    assert found(client(alice), "q=blood") == expected
    assert found(client(bob), "q=blood") == expected
    assert found(client(bob), f"q=blood&conversationId={conversation}") == expected


def test_what_is_found_comes_a_page_at_a_time(client: Client, bob: User, conversation: str) -> None:
    first = client(bob).get(f"{SEARCH}?q=blood&limit=1").json()
    rest = client(bob).get(f"{SEARCH}?q=blood&limit=1&cursor={first['nextCursor']}").json()

    assert [row["content"] for row in first["data"] + rest["data"]] == [
        "Another blood test on Monday",
        "The blood count is normal",
    ]
    assert (first["hasMore"], rest["hasMore"]) == (True, False)


def test_a_word_that_nobody_wrote_finds_nothing(
    client: Client, bob: User, conversation: str
) -> None:
    assert found(client(bob), "q=liver") == []


@pytest.mark.parametrize("query", ["", "q=", "q=%00", "q=blood&conversationId=x", "q=a&sort=up"])
def test_a_search_of_another_form_is_400(client: Client, alice: User, query: str) -> None:
    assert client(alice).get(f"{SEARCH}?{query}").status_code == 400


@pytest.mark.parametrize("query", ["%27", "%21%21", "%28a", "a%3A%2A", "%26%26", "a%5C", "%3C-%3E"])
def test_a_search_cannot_break_out_into_the_databases_language(
    client: Client, bob: User, conversation: str, query: str
) -> None:
    assert client(bob).get(f"{SEARCH}?q={query}").status_code in {200, 400}


def test_strangers_find_nothing(
    client: Client, mallory: User, eve: User, conversation: str
) -> None:
    assert found(client(eve), "q=blood") == []
    assert found(client(mallory), "q=blood") == []


def test_mallory_and_eve_get_404_for_the_conversation(
    client: Client, mallory: User, eve: User, conversation: str
) -> None:
    for stranger in (mallory, eve):
        answer = client(stranger).get(f"{SEARCH}?q=blood&conversationId={conversation}")
        assert answer.status_code == 404
