"""A ring of keys with a cache of its own, as each process has one, and what a key may be for."""

from uuid import uuid4

import pytest

from crypto_core.keyring import KeyRing
from crypto_core.suite import Scope


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing()


@pytest.fixture
def scope() -> Scope:
    return Scope(uuid4(), "content", uuid4())
