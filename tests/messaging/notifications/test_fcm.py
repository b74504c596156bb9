"""FCM against a server that refuses what Google refuses."""

import json
import time
from typing import Any
from uuid import uuid4

import jwt
import pytest

from messaging.notifications.channel import ChannelError, Gone, Rejected, Uncertain
from messaging.notifications.providers import fcm as provider
from messaging.notifications.providers.push import Push
from queueing.errors import Throttled
from tests.providers.fcm import FakeFcm
from tests.providers.keys import rsa_key, service_account


def push(**fields: Any) -> Push:
    defaults: dict[str, Any] = {"opaque_id": uuid4(), "title": "New message", "body": "Look."}
    return Push(**defaults | {"unread": 3, "priority": 2, "collapse": "c-1"} | fields)


def send(token: str = "token-1", **fields: Any) -> str:
    return provider.send(token, push(**fields), until=time.monotonic() + 5)


@pytest.mark.req("S89")
def test_a_message_is_taken_under_a_token_that_a_signed_assertion_gave(fcm: FakeFcm) -> None:
    opaque = uuid4()

    name = send(opaque_id=opaque)

    [message] = fcm.accepted
    assert name == "projects/clinic-app/messages/1"
    assert message["token"] == "token-1"
    assert message["notification"] == {"title": "New message", "body": "Look."}
    assert message["data"] == {"id": str(opaque)}
    assert message["android"]["collapse_key"] == message["android"]["notification"]["tag"] == "c-1"


@pytest.mark.parametrize(
    ("priority", "said"), [(0, "HIGH"), (1, "HIGH"), (2, "HIGH"), (3, "NORMAL")]
)
def test_our_priority_is_googles(fcm: FakeFcm, priority: int, said: str) -> None:
    send(priority=priority)

    assert fcm.accepted[0]["android"]["priority"] == said


def test_one_access_token_serves_until_it_ends(fcm: FakeFcm) -> None:
    for _ in range(5):
        send()
    assert fcm.fetched == 1

    provider._tokens.clear()
    fcm.lifetime = provider.MARGIN  # too short to be used a second time
    for _ in range(2):
        send()
    assert fcm.fetched == 3


def test_a_token_that_was_revoked_early_is_replaced_at_once(fcm: FakeFcm) -> None:
    send()
    fcm.tokens.clear()

    send()

    assert (len(fcm.accepted), fcm.fetched) == (2, 2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"private_key": rsa_key("another")},
        {"private_key_id": "rsa-2"},
        {"client_email": "mallory@clinic-app.iam.example"},
    ],
)
def test_an_account_that_google_does_not_know_is_trouble_that_can_be_put_right(
    fcm: FakeFcm, settings: Any, wrong: dict[str, str]
) -> None:
    settings.FCM |= {"account": service_account(fcm.url, **wrong)}

    with pytest.raises(ChannelError) as refused:
        send()

    assert (refused.value.code, fcm.accepted) == ("fcm-invalid-grant", [])


def test_the_fake_refuses_assertions_of_another_form(fcm: FakeFcm) -> None:
    now = int(time.time())
    good = {
        "iss": "push@clinic-app.iam.example",
        "aud": f"{fcm.url}/token",
        "scope": provider.SCOPE,
        "iat": now,
        "exp": now + 3600,
    }
    for claims, algorithm, key in (
        (good | {"aud": "elsewhere"}, "RS256", rsa_key()),
        (good | {"exp": now - 1}, "RS256", rsa_key()),
        (good | {"exp": now + 7200}, "RS256", rsa_key()),
        (good, "HS256", "secret" * 8),
    ):
        token = jwt.encode(claims, key, algorithm, headers={"kid": "rsa-1"})
        form = {"grant_type": provider.GRANT, "assertion": token}
        assert fcm.answer("/token", {}, form)[0] == 400


@pytest.mark.req("S93")
def test_a_registration_that_is_no_more_is_gone(fcm: FakeFcm) -> None:
    fcm.unregistered.add("token-1")

    for token, code in (("token-1", "fcm-unregistered"), ("a b", "fcm-invalid-registration")):
        with pytest.raises(Gone) as refused:
            send(token)
        assert refused.value.code == code


def test_a_message_of_a_wrong_form_is_refused_and_its_device_is_not_gone(
    fcm: FakeFcm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "PRIORITIES", ("LOUD",) * 4)

    with pytest.raises(Rejected) as refused:
        send()

    assert not isinstance(refused.value, Gone)
    assert refused.value.code == "fcm-invalid-argument"


def test_a_project_that_does_not_exist_is_refused(fcm: FakeFcm, settings: Any) -> None:
    settings.FCM |= {"account": service_account(fcm.url, project_id="elsewhere")}

    with pytest.raises(Rejected):
        send()


def fcm_error(code: str) -> dict[str, Any]:
    return {"error": {"status": code, "details": [{"errorCode": code}]}}


@pytest.mark.parametrize(
    ("trouble", "error", "code"),
    [
        ({"status": 503, "body": fcm_error("UNAVAILABLE")}, ChannelError, "fcm-unavailable"),
        ({"status": 500, "body": fcm_error("INTERNAL")}, Uncertain, "fcm-internal"),
        ({"status": 502}, Uncertain, "fcm-502"),
        (
            {"status": 403, "body": fcm_error("SENDER_ID_MISMATCH")},
            Rejected,
            "fcm-sender-id-mismatch",
        ),
        ({"status": 418, "body": {"error": "tea"}}, Rejected, "fcm-418"),
        ({"status": 400, "body": fcm_error("A_NEW\nCODE")}, Rejected, "fcm-400"),
        ({"hang_up": True}, Uncertain, "fcm-unanswered"),
    ],
)
def test_each_code_says_whether_to_try_again(
    fcm: FakeFcm, trouble: dict[str, Any], error: type[Exception], code: str
) -> None:
    fcm.then(**trouble)

    with pytest.raises(error) as refused:
        send()

    assert refused.value.code == code


@pytest.mark.parametrize(("said", "wait"), [({"Retry-After": "7"}, 7.0), ({}, 60.0)])
def test_who_asks_for_a_pause_gets_it(fcm: FakeFcm, said: dict[str, str], wait: float) -> None:
    fcm.then(status=429, headers=said, body=fcm_error("QUOTA_EXCEEDED"))

    with pytest.raises(Throttled) as refused:
        send()

    assert (refused.value.after, refused.value.code) == (wait, "fcm-quota-exceeded")


def test_a_slow_answer_is_not_waited_for(fcm: FakeFcm, impatient: None) -> None:
    fcm.then(seconds=4.0)
    begun = time.monotonic()

    with pytest.raises(Uncertain):
        send()

    assert time.monotonic() - begun < 3.0


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "no JSON"),
        ("[]", "lacks project_id"),
        (json.dumps({"project_id": "x"}), "lacks client_email"),
        (service_account("http://x", private_key="-----BEGIN"), "private_key"),
    ],
)
def test_an_account_that_is_none_says_what_is_wrong_with_it(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        provider.account(text)
