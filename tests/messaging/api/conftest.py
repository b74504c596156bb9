"""Clients with real tokens."""

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from messaging.models import User
from messaging.services import accounts, identities
from tests.messaging.api.contract import CheckedClient
from tests.messaging.api.required.scene import dead, room, sent, staff

__all__ = ["dead", "room", "sent", "staff"]

Client = Callable[..., APIClient]


@pytest.fixture(autouse=True)
def nobody_is_remembered() -> None:
    """Identities that another test has cached are forgotten."""
    identities.forget_all()


@pytest.fixture
def client() -> Client:
    """Makes a client logged in as a user, or as nobody."""

    def make(user: User | None = None) -> APIClient:
        made = CheckedClient()
        if user is not None:
            pair = accounts.open_session(user=user, user_agent="tests")
            made.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access}")
        return made

    return make
