"""Conversations over REST: starting, joining, leaving, reading."""

from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from messaging.models import Conversation, Participant, User
from tests.messaging.api.calls import V1
from tests.messaging.api.conftest import Client

CONVERSATIONS = f"{V1}/conversations"


def start(browser: APIClient, *people: User, **more: Any) -> dict[str, Any]:
    body = {"participantIds": [str(person.pk) for person in people]} | more
    answer = browser.post(CONVERSATIONS, body, format="json")
    assert answer.status_code == 201, answer.json()
    found: dict[str, Any] = answer.json()
    return found


def say(browser: APIClient, conversation: dict[str, Any], content: str) -> dict[str, Any]:
    body = {"conversationId": conversation["id"], "content": content}
    answer = browser.post(f"{V1}/messages/group", body, format="json")
    assert answer.status_code == 202, answer.json()
    found: dict[str, Any] = answer.json()["message"]
    return found


def messages_of(browser: APIClient, conversation: dict[str, Any], query: str = "") -> Any:
    return browser.get(f"{CONVERSATIONS}/{conversation['id']}/messages{query}")


def test_a_group_starts_with_its_maker_as_owner(
    client: Client, alice: User, bob: User, carol: User
) -> None:
    browser = client(alice)
    body = {"participantIds": [str(bob.pk), str(carol.pk)], "title": "Ward 3"}

    answer = browser.post(CONVERSATIONS, body, format="json")

    made = answer.json()
    roles = {member["name"]: member["role"] for member in made["participants"]}
    assert answer.status_code == 201
    assert answer["Location"] == f"{CONVERSATIONS}/{made['id']}"
    assert (made["kind"], made["title"], made["headSeq"]) == ("group", "Ward 3", 0)
    assert roles == {"Alice": "owner", "Bob": "member", "Carol": "member"}
    again = browser.get(answer["Location"]).json()
    for view in (again, made):
        view["participants"].sort(key=lambda member: member["name"])
    assert again == made


def test_a_title_is_not_stored_in_the_clear(client: Client, alice: User, bob: User) -> None:
    made = start(client(alice), bob, title="Oncology of room 7")

    row = Conversation.objects.filter(pk=made["id"]).values().get()
    assert "Oncology" not in str(row)
    assert b"Oncology" not in bytes(row["sealed_title"])


def test_the_same_start_twice_is_one_group(client: Client, alice: User, bob: User) -> None:
    browser = client(alice)
    body = {"participantIds": [str(bob.pk)]}

    first, again = (
        browser.post(CONVERSATIONS, body, format="json", HTTP_IDEMPOTENCY_KEY="key-1")
        for _ in range(2)
    )

    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    assert Conversation.objects.count() == 1


def test_members_see_their_conversations_newest_first(
    client: Client, alice: User, bob: User, carol: User
) -> None:
    made = [start(client(alice), bob) for _ in range(3)]
    start(client(alice), carol)

    first = client(bob).get(f"{CONVERSATIONS}?limit=2").json()
    rest = client(bob).get(f"{CONVERSATIONS}?limit=2&cursor={first['nextCursor']}").json()

    ids = [row["id"] for row in first["data"] + rest["data"]]
    assert ids == [one["id"] for one in reversed(made)]
    assert (first["hasMore"], rest["hasMore"]) == (True, False)


def test_messages_come_newest_first_a_page_at_a_time(
    client: Client, alice: User, bob: User
) -> None:
    conversation = start(client(alice), bob)
    for number in range(5):
        say(client(alice), conversation, f"number {number}")

    first = messages_of(client(bob), conversation, "?limit=3").json()
    cursor = first["nextCursor"]
    rest = messages_of(client(bob), conversation, f"?limit=3&cursor={cursor}").json()

    rows = first["data"] + rest["data"]
    assert [row["content"] for row in rows] == [f"number {n}" for n in (4, 3, 2, 1, 0)]
    assert [row["seq"] for row in rows] == sorted((row["seq"] for row in rows), reverse=True)
    assert rest["nextCursor"] is None


def test_a_newcomer_sees_what_is_said_from_now_on(
    client: Client, alice: User, bob: User, carol: User
) -> None:
    conversation = start(client(alice), bob)
    say(client(alice), conversation, "before")

    added = client(alice).post(
        f"{CONVERSATIONS}/{conversation['id']}/participants",
        {"userId": str(carol.pk)},
        format="json",
    )
    say(client(alice), conversation, "after")

    contents = [row["content"] for row in messages_of(client(carol), conversation).json()["data"]]
    assert (added.status_code, contents) == (204, ["after"])


def test_a_newcomer_with_history_sees_everything(
    client: Client, alice: User, bob: User, carol: User
) -> None:
    conversation = start(client(alice), bob)
    say(client(alice), conversation, "before")

    client(alice).post(
        f"{CONVERSATIONS}/{conversation['id']}/participants",
        {"userId": str(carol.pk), "history": True},
        format="json",
    )

    contents = [row["content"] for row in messages_of(client(carol), conversation).json()["data"]]
    assert contents == ["before"]


def test_a_member_may_leave_and_sees_nothing_more(client: Client, alice: User, bob: User) -> None:
    conversation = start(client(alice), bob)
    his = client(bob)

    left = his.delete(f"{CONVERSATIONS}/{conversation['id']}/participants/{bob.pk}")

    assert left.status_code == 204
    assert his.get(f"{CONVERSATIONS}/{conversation['id']}").status_code == 404
    assert messages_of(his, conversation).status_code == 404
    assert his.get(CONVERSATIONS).json()["data"] == []


def test_only_an_owner_adds_and_removes(
    client: Client, alice: User, bob: User, carol: User
) -> None:
    members = f"{CONVERSATIONS}/{start(client(alice), bob)['id']}/participants"

    added = client(bob).post(members, {"userId": str(carol.pk)}, format="json")
    removed = client(bob).delete(f"{members}/{alice.pk}")

    assert (added.status_code, removed.status_code) == (403, 403)
    assert client(alice).delete(f"{members}/{bob.pk}").status_code == 204


def test_nobody_is_added_twice_or_removed_twice(client: Client, alice: User, bob: User) -> None:
    members = f"{CONVERSATIONS}/{start(client(alice), bob)['id']}/participants"

    twice = client(alice).post(members, {"userId": str(bob.pk)}, format="json")
    client(alice).delete(f"{members}/{bob.pk}")

    assert twice.status_code == 409
    assert client(alice).delete(f"{members}/{bob.pk}").status_code == 404


def test_a_direct_conversation_stays_with_its_two_people(
    client: Client, alice: User, bob: User, carol: User
) -> None:
    sent = client(alice).post(
        f"{V1}/messages/direct", {"recipientId": str(bob.pk), "content": "Hello"}, format="json"
    )
    members = f"{CONVERSATIONS}/{sent.json()['message']['conversationId']}/participants"

    added = client(alice).post(members, {"userId": str(carol.pk)}, format="json")
    removed = client(alice).delete(f"{members}/{bob.pk}")

    assert (added.status_code, removed.status_code) == (409, 409)


def test_a_read_marker_rises_and_never_falls(client: Client, alice: User, bob: User) -> None:
    conversation = start(client(alice), bob)
    seq = [say(client(alice), conversation, "Hello")["seq"] for _ in range(3)][-1]
    marker = f"{CONVERSATIONS}/{conversation['id']}/read"

    for value in (seq, 1, seq + 1000):
        assert client(bob).put(marker, {"seq": value}, format="json").status_code == 204

    stay = Participant.objects.get(conversation_id=conversation["id"], user=bob)
    his = client(bob).get(f"{CONVERSATIONS}/{conversation['id']}").json()
    assert stay.read_seq == seq
    assert his["unread"] == 0


def test_a_group_needs_people_of_the_same_tenant(
    client: Client, alice: User, mallory: User
) -> None:
    for stranger in (mallory.pk, uuid4()):
        body = {"participantIds": [str(stranger)]}
        answer = client(alice).post(CONVERSATIONS, body, format="json")

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == "#/participantIds"
    assert not Conversation.objects.exists()


def test_mallory_cannot_be_added(client: Client, alice: User, bob: User, mallory: User) -> None:
    members = f"{CONVERSATIONS}/{start(client(alice), bob)['id']}/participants"

    answer = client(alice).post(members, {"userId": str(mallory.pk)}, format="json")

    assert answer.status_code == 404


@pytest.mark.parametrize("who", ["mallory", "eve"])
def test_strangers_get_404_for_everything_in_a_conversation(
    client: Client, alice: User, bob: User, who: str, request: pytest.FixtureRequest
) -> None:
    stranger: User = request.getfixturevalue(who)
    conversation = start(client(alice), bob)
    say(client(alice), conversation, "Hello")
    one, theirs = f"{CONVERSATIONS}/{conversation['id']}", client(stranger)

    answers = [
        theirs.get(one),
        theirs.get(f"{one}/messages"),
        theirs.put(f"{one}/read", {"seq": 1}, format="json"),
        theirs.post(f"{one}/participants", {"userId": str(stranger.pk)}, format="json"),
        theirs.delete(f"{one}/participants/{bob.pk}"),
        theirs.delete(f"{one}/participants/{stranger.pk}"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 6
    assert theirs.get(CONVERSATIONS).json()["data"] == []


def test_nobody_gets_401(client: Client, db: None) -> None:
    assert client().get(CONVERSATIONS).status_code == 401
    assert client().post(CONVERSATIONS, {}, format="json").status_code == 401
