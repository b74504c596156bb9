"""The cast: a clinic with alice, bob and carol, eve who is never invited, and mallory from elsewhere."""

from collections.abc import Callable, Iterator

import pytest

from messaging.models import SYSTEM, Tenant, User
from queueing import breaker
from tests.system.fixtures import providers, system

__all__ = ["providers", "system"]

PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def circuits() -> Iterator[None]:
    """What a test has read of the circuits is gone with its rows."""
    yield
    breaker.forget()


@pytest.fixture
def clinic(db: None) -> Tenant:
    """The tenant of almost everybody; it seals unless told otherwise."""
    return Tenant.objects.create(
        name="Clinic", slug="clinic", encryption=Tenant.Encryption.PREFERRED
    )


@pytest.fixture
def other_clinic(db: None) -> Tenant:
    """Mallory's tenant."""
    return Tenant.objects.create(name="Other clinic", slug="other-clinic")


@pytest.fixture
def person(clinic: Tenant) -> Callable[..., User]:
    """Makes a person of the clinic."""

    def make(username: str, **fields: object) -> User:
        fields.setdefault("tenant", clinic)
        return User.objects.create_user(username, PASSWORD, **fields)

    return make


@pytest.fixture
def alice(person: Callable[..., User]) -> User:
    """A nurse who writes."""
    return person("alice", display_name="Alice", email="alice@clinic.example")


@pytest.fixture
def bob(person: Callable[..., User]) -> User:
    """A patient who is written to."""
    return person("bob", display_name="Bob", email="bob@clinic.example")


@pytest.fixture
def carol(person: Callable[..., User]) -> User:
    """A colleague, for groups; she has no email address."""
    return person("carol", display_name="Carol")


@pytest.fixture
def eve(person: Callable[..., User]) -> User:
    """Of the same clinic, in nobody's conversation."""
    return person("eve")


@pytest.fixture
def mallory(person: Callable[..., User], other_clinic: Tenant) -> User:
    """Of another tenant; whatever she asks for is not there."""
    return person("mallory", tenant=other_clinic)


@pytest.fixture
def operator(db: None) -> User:
    """Staff of the system tenant."""
    tenant, _ = Tenant.objects.get_or_create(slug=SYSTEM, defaults={"name": "Operators"})
    return User.objects.create_user("operator", PASSWORD, tenant=tenant, is_staff=True)
