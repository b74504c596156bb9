"""What a process that has just started has: keys and a service with an empty cache."""

from uuid import uuid4

import pytest

from crypto_core.keyring import KeyRing
from crypto_core.service import EncryptionService
from crypto_core.suite import Scope
from tests.messaging.api.conftest import client
from tests.messaging.realtime.conftest import connect, socket_server

__all__ = ["client", "connect", "socket_server"]


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing()


@pytest.fixture
def scope() -> Scope:
    return Scope(uuid4(), "content", uuid4())


@pytest.fixture
def service() -> EncryptionService:
    return EncryptionService()
