"""The fakes of the providers, people with devices and numbers, and notices for them."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from aiosmtpd.controller import Controller

from config.embedded.places import free_port
from messaging.models import DevicePushToken, User
from messaging.notifications.channel import Notice
from messaging.services import devices
from queueing.ids import uuid7
from tests.messaging.notifications.sink import Sink
from tests.messaging.notifications.walks import NUMBER
from tests.providers.fixtures import apple, fcm, impatient, sms

__all__ = ["apple", "fcm", "impatient", "sms"]

Told = Callable[..., Notice]
Device = Callable[..., DevicePushToken]


@pytest.fixture
def sink(settings: Any) -> Iterator[Sink]:
    """A mail server."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    sink = Sink()
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port(0)
    server = Controller(sink, hostname=settings.EMAIL_HOST, port=settings.EMAIL_PORT)
    server.start()
    yield sink
    server.stop()


@pytest.fixture
def told() -> Told:
    """Makes a notice for somebody."""

    def make(recipient: User | None = None, **fields: Any) -> Notice:
        defaults: dict[str, Any] = {
            "notification_id": uuid7(),
            "opaque_id": uuid4(),
            "recipient": recipient or User(username="bob", email="bob@clinic.example"),
            "title": "New message",
            "text": "You have a new message.",
            "priority": 2,
        }
        return Notice(**defaults | fields)

    return make


@pytest.fixture
def device(db: None) -> Device:
    """Registers a device of somebody."""

    def make(user: User, platform: str = "fcm", token: str = "") -> DevicePushToken:
        token = token or (uuid7().hex * 2 if platform == "apns" else f"token-{uuid7().hex}")
        return devices.register(user=user, session_id=uuid7(), platform=platform, token=token)

    return make


@pytest.fixture
def bob(bob: User) -> User:
    """He has a number, too."""
    bob.phone = NUMBER
    bob.save()
    return bob
