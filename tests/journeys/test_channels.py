"""Real workers reach every channel's provider, each once, and say nothing of what was written."""

from collections.abc import Iterator

import pytest

from tests.providers.all import Providers
from tests.system.canary import is_in, word
from tests.system.system import System
from tests.system.waiting import wait_until

pytestmark = pytest.mark.journey

NUMBER, APPLE = "+4930987654", "12" * 32


@pytest.fixture
def dave(system: System) -> Iterator[str]:
    """Dave's id, while he can be reached by everything that there is."""
    api = system.api("dave")
    assert api.patch("/me", {"phone": NUMBER}).status == 200
    for platform, token in (("fcm", "daves-browser"), ("apns", APPLE)):
        assert api.post("/devices", {"platform": platform, "token": token}).status == 201
    yield system.people["dave"]
    for device in api.get("/devices").json["data"]:
        api.delete(f"/devices/{device['id']}")
    api.patch("/me", {"phone": ""})


@pytest.mark.req("S94")
@pytest.mark.req("S161")
@pytest.mark.req("D5")
@pytest.mark.req("D8")
def test_a_message_reaches_every_channel_once_and_none_says_what_it_says(
    system: System, providers: Providers, dave: str
) -> None:
    canary = word()
    body = {"recipientId": dave, "content": f"{canary}, urgently", "priority": "HIGH"}

    sent = system.api("alice").post("/messages/direct", body).json["message"]["id"]

    def told() -> dict[str, str] | None:
        rows = system.sql(
            "select channel, status, opaque_id::text from notifications where message_id = %s", sent
        )
        settled = len(rows) == 4 and {status for _, status, _ in rows} == {"sent"}
        return {channel: opaque for channel, _, opaque in rows} if settled else None

    opaque = wait_until(told, seconds=20)
    push, mail = opaque["push"], opaque["email"]
    assert [one["data"]["id"] for one in providers.fcm.accepted].count(push) == 1
    assert [one["payload"]["id"] for one in providers.apns.accepted].count(push) == 1
    assert [one["To"] for one in providers.twilio.accepted].count(NUMBER) == 1
    assert [mail in text for text in system.mails()].count(True) == 1
    raw = [*providers.fcm.raw, *providers.apns.raw, *providers.twilio.raw]
    assert not any(is_in(one, canary) for one in raw)
    logged = system.log.read_text()
    for secret in (canary, "daves-browser", APPLE, NUMBER):
        assert secret not in logged
    assert f"message={sent}" in logged
