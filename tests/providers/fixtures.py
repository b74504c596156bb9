"""The fakes as fixtures; a channel is configured where its fake is asked for, and nowhere else."""

from collections.abc import Iterator
from typing import Any

import pytest

from messaging.notifications.providers import apns as real_apns
from messaging.notifications.providers import fcm as real_fcm
from messaging.notifications.providers import http
from tests.providers import apns, twilio
from tests.providers.apns import FakeApns
from tests.providers.fcm import FakeFcm
from tests.providers.keys import certificate, ec_key, service_account
from tests.providers.twilio import FakeTwilio


@pytest.fixture
def fcm(settings: Any) -> Iterator[FakeFcm]:
    """Google, with the clinic's project."""
    real_fcm._tokens.clear()
    with FakeFcm() as fake:
        settings.FCM = {"account": service_account(fake.url), "url": fake.url}
        yield fake


@pytest.fixture
def apple(settings: Any) -> Iterator[FakeApns]:
    """Apple, with the clinic's team."""
    real_apns._tokens.clear()
    with FakeApns() as fake:
        settings.PROVIDER_CA = certificate()[0]
        settings.APNS = {
            "key": ec_key(),
            "key_id": apns.KEY_ID,
            "team_id": apns.TEAM_ID,
            "topic": apns.TOPIC,
            "url": fake.url,
        }
        yield fake


@pytest.fixture
def sms(settings: Any) -> Iterator[FakeTwilio]:
    """Twilio, with the clinic's account."""
    with FakeTwilio() as fake:
        settings.TWILIO = {
            "account_sid": twilio.SID,
            "auth_token": twilio.TOKEN,
            "from": twilio.FROM,
            "url": fake.url,
        }
        yield fake


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a slow provider for longer than a moment."""
    monkeypatch.setattr(http, "READ", 0.3)
