"""The demo: a tenant with two people and their conversation, and an operator, made where missing."""

from typing import Any

from django.db import transaction

from messaging.models import Tenant, User
from messaging.services import conversations

PEOPLE = (("alice", "Alice"), ("bob", "Bob"))


@transaction.atomic
def make(password: str) -> dict[str, Any]:
    """The log-ins and ids of the demo; what is there already is left as it is."""
    tenant, _ = Tenant.objects.get_or_create(
        slug="demo",
        defaults={"name": "Demo clinic", "encryption": Tenant.Encryption.PREFERRED},
    )
    people = [_person(tenant, name, shown, password) for name, shown in PEOPLE]
    operator = User.objects.filter(username="operator").first()
    if operator is None:
        operator = User.objects.create_superuser("operator", password or None)
    alice, bob = people
    return {
        "tenant": tenant.slug,
        "people": [_login(person, password) for person in people],
        "conversationId": str(conversations.direct(alice, bob.pk)),
        "operator": _login(operator, password),
    }


def _person(tenant: Tenant, username: str, shown: str, password: str) -> User:
    found = User.objects.filter(username=username).first()
    return found or User.objects.create_user(
        username,
        password or None,
        tenant=tenant,
        display_name=shown,
        email=f"{username}@demo.example",
    )


def _login(user: User, password: str) -> dict[str, str]:
    return {"username": user.username, "password": password, "id": str(user.pk)}
