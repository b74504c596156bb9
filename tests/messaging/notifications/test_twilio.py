"""Twilio against a server that refuses what it refuses."""

import time
from typing import Any

import pytest

from messaging.notifications.channel import ChannelError, Rejected, Uncertain
from messaging.notifications.providers import twilio as provider
from queueing.errors import Throttled
from tests.providers.twilio import STOPPED, FakeTwilio

BOB = "+4930123456"


def send(number: str = BOB, text: str = "You have a new message.") -> str:
    return provider.send(number, text, until=time.monotonic() + 5)


@pytest.mark.req("S91")
def test_an_sms_is_a_form_with_number_sender_and_text(sms: FakeTwilio) -> None:
    assert send() == "SM" + "1".zfill(32)

    assert sms.accepted == [{"To": BOB, "Body": "You have a new message.", "From": "+15005550006"}]


def test_a_messaging_service_chooses_the_sender(sms: FakeTwilio, settings: Any) -> None:
    settings.TWILIO |= {"from": "MG123"}

    send()

    assert sms.accepted[0]["MessagingServiceSid"] == "MG123" and "From" not in sms.accepted[0]


@pytest.mark.parametrize(
    ("number", "wrong", "error", "code"),
    [
        ("030 123456", {}, Rejected, "twilio-21211"),
        (STOPPED, {}, Rejected, "twilio-21610"),
        (BOB, {"from": "+15005550001"}, Rejected, "twilio-21212"),
        (BOB, {"auth_token": "wrong"}, ChannelError, "twilio-20003"),
        (BOB, {"account_sid": "AC1"}, ChannelError, "twilio-20003"),
    ],
)
def test_what_twilio_refuses_says_whether_to_try_again(
    sms: FakeTwilio,
    settings: Any,
    number: str,
    wrong: dict[str, str],
    error: type[Exception],
    code: str,
) -> None:
    settings.TWILIO |= wrong

    with pytest.raises(error) as refused:
        send(number)

    assert (refused.value.code, sms.accepted) == (code, [])
    assert number not in str(refused.value)


@pytest.mark.parametrize(
    ("trouble", "error", "code"),
    [
        ({"status": 503, "body": {"code": 20503}}, ChannelError, "twilio-20503"),
        ({"status": 500, "body": {"code": 20500}}, Uncertain, "twilio-20500"),
        ({"status": 502}, Uncertain, "twilio-502"),
        ({"status": 400, "body": {"code": 99999}}, Rejected, "twilio-400"),
        ({"hang_up": True}, Uncertain, "twilio-unanswered"),
    ],
)
def test_each_code_says_whether_it_may_have_been_sent(
    sms: FakeTwilio, trouble: dict[str, Any], error: type[Exception], code: str
) -> None:
    sms.then(**trouble)

    with pytest.raises(error) as refused:
        send()

    assert refused.value.code == code
    assert isinstance(refused.value, Uncertain) == (error is Uncertain)


def test_who_asks_for_a_pause_gets_it(sms: FakeTwilio) -> None:
    sms.then(status=429, body={"code": 20429}, headers={"Retry-After": "5"})

    with pytest.raises(Throttled) as refused:
        send()

    assert refused.value.after == 5.0


def test_a_server_that_is_away_has_nothing_of_it(sms: FakeTwilio, settings: Any) -> None:
    settings.TWILIO |= {"url": "http://127.0.0.1:1"}

    with pytest.raises(ChannelError) as refused:
        send()

    assert not isinstance(refused.value, Uncertain)
    assert refused.value.code == "twilio-unreachable"
