"""The whole walk of one message on real processes: sealed and plain, to one and to four others."""

from collections.abc import Iterator

import pytest

from tests.journeys.walk import Walk
from tests.system.system import System
from tests.system.waiting import wait_until

pytestmark = pytest.mark.journey

ONE, FOUR = ("bob",), ("bob", "carol", "dave", "erin")
STEPS = ("encryption", "delivery", "notification", "indexing")


@pytest.fixture(
    scope="module",
    params=[(ONE, True), (ONE, False), (FOUR, True), (FOUR, False)],
    ids=["direct-sealed", "direct-plain", "group-sealed", "group-plain"],
)
def walk(system: System, request: pytest.FixtureRequest) -> Iterator[Walk]:
    recipients, sealed = request.param
    yield Walk(system, recipients, sealed).go()


@pytest.fixture
def ids(walk: Walk) -> list[str]:
    """Of the recipients."""
    return [walk.system.people[name] for name in walk.recipients]


@pytest.mark.req("S42", "S49", "S112", "S113", "S121")
def test_the_answer_names_the_message_and_its_jobs(walk: Walk) -> None:
    body = walk.accepted.json
    wanted = {step for step in STEPS if walk.sealed or step != "encryption"}

    assert walk.accepted.status == 202
    assert body["message"]["status"] == "PENDING"
    assert body["message"]["isEncrypted"] is walk.sealed
    assert (body["queue"]["success"], body["queue"]["errors"]) == (True, [])
    assert {step for step, id in walk.job_ids.items() if id} == wanted
    assert set(body["links"]["jobs"]) == set(STEPS)
    assert body["links"]["self"] == f"/api/v1/messages/{walk.message_id}"
    assert walk.word not in walk.accepted.text


@pytest.mark.req("S43", "S83", "S84", "S85")
def test_every_recipient_hears_the_event_with_its_seq(walk: Walk) -> None:
    assert set(walk.heard) == set(walk.recipients)
    for frame in walk.heard.values():
        assert (frame["event"], frame["seq"]) == ("message.created", walk.seq)
        assert frame["conversationId"] == walk.conversation_id
        assert frame["data"]["content"] == walk.content
        assert frame["data"]["isEncrypted"] is walk.sealed


@pytest.mark.req("S57", "S69")
def test_the_row_holds_the_text_only_if_it_was_to_be_plain(walk: Walk) -> None:
    [(content, sealed, metadata)] = walk.system.sql(
        "select content, encrypted_content, encryption_metadata from messages where id = %s",
        walk.message_id,
    )

    assert content == ("" if walk.sealed else walk.content)
    if walk.sealed:
        assert walk.word.encode() not in sealed
        assert set(metadata) == {"algorithm", "iv", "authTag", "keyId"}


@pytest.mark.req("S27", "S79", "S81", "S152")
def test_a_delivery_goes_from_sent_to_delivered_to_read(walk: Walk, ids: list[str]) -> None:
    assert walk.statuses == [dict.fromkeys(ids, each) for each in ("SENT", "DELIVERED", "READ")]


@pytest.mark.req("S92")
def test_every_recipient_finds_a_notification_in_the_inbox(walk: Walk) -> None:
    walk.jobs()

    for name in walk.recipients:
        inbox = walk.system.api(name).get("/notifications").json["data"]
        assert [each["messageId"] for each in inbox].count(walk.message_id) == 1


@pytest.mark.req("S90", "D8")
def test_an_email_says_that_there_is_a_message_and_not_what_it_says(walk: Walk) -> None:
    walk.jobs()

    rows = wait_until(
        lambda: walk.system.sql(
            "select opaque_id, recipient_id from notifications"
            " where message_id = %s and channel = 'email' and status = 'sent'",
            walk.message_id,
        )
    )
    sent = [mail for mail in walk.system.mails() if any(str(id) in mail for id, _ in rows)]
    with_email = {"bob", "dave"} & set(walk.recipients)
    assert len(rows) == len(sent) == len(with_email)
    for mail in sent:
        assert "@clinic.example" in mail
        assert walk.word not in mail


@pytest.mark.req("S109", "S110", "D8")
def test_a_search_finds_it_for_its_participants_and_for_nobody_else(walk: Walk) -> None:
    walk.jobs()

    for name in ("alice", *walk.recipients):
        found = walk.system.api(name).get("/messages/search", q=walk.word).json["data"]
        assert [(each["id"], each["content"]) for each in found] == [
            (walk.message_id, walk.content)
        ]
    for name in ("eve", "mallory"):
        assert walk.system.api(name).get("/messages/search", q=walk.word).json["data"] == []


@pytest.mark.req("S119", "S123")
def test_its_jobs_are_shown_to_its_sender_and_to_no_stranger(walk: Walk) -> None:
    for step, view in walk.jobs().items():
        assert view["jobId"] == walk.job_ids[step]
        assert (view["state"], view["error"]) == ("completed", None)
        assert view["messageId"] == walk.message_id
        assert view["attempts"] == 1
        for name in ("mallory", "eve"):
            assert walk.system.api(name).get(f"/messages/jobs/{view['jobId']}").status == 404


def test_the_message_does_not_exist_for_strangers(walk: Walk) -> None:
    for name in ("mallory", "eve"):
        for path in ("", "/deliveries"):
            reply = walk.system.api(name).get(f"/messages/{walk.message_id}{path}")
            assert reply.status == 404
            assert walk.word not in reply.text
