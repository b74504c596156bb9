"""All fakes together, and the variables that make them a system's providers."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tests.providers import apns, twilio
from tests.providers.apns import FakeApns
from tests.providers.fcm import FakeFcm
from tests.providers.keys import certificate, ec_key, service_account
from tests.providers.twilio import FakeTwilio


@dataclass(frozen=True)
class Providers:
    """Google, Apple and Twilio."""

    fcm: FakeFcm
    apns: FakeApns
    twilio: FakeTwilio

    @property
    def environment(self) -> dict[str, str]:
        """What a system needs to find them."""
        return {
            "FCM_SERVICE_ACCOUNT": service_account(self.fcm.url),
            "FCM_URL": self.fcm.url,
            "APNS_KEY": ec_key(),
            "APNS_KEY_ID": apns.KEY_ID,
            "APNS_TEAM_ID": apns.TEAM_ID,
            "APNS_TOPIC": apns.TOPIC,
            "APNS_URL": self.apns.url,
            "TWILIO_ACCOUNT_SID": twilio.SID,
            "TWILIO_AUTH_TOKEN": twilio.TOKEN,
            "TWILIO_FROM": twilio.FROM,
            "TWILIO_URL": self.twilio.url,
            "PROVIDER_CA": certificate()[0],
        }


@contextmanager
def running() -> Iterator[Providers]:
    """All of them, until the end of the `with`."""
    fakes = FakeFcm(), FakeApns(), FakeTwilio()
    with ExitStack() as stack:
        for fake in fakes:
            stack.enter_context(fake)
        yield Providers(*fakes)
