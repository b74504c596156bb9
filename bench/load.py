"""What the benches send: the peer's own text, 100 conversations of two people."""

import os
from typing import Any

TEXT = (
    "patient nurse visit dose allergy school parent record urgent clinic fever vaccine consent"
    " appointment medication chart result referral symptom follow daily tablet injury notice ready"
    " please call today morning review"
)
WORDS = TEXT.split()
CONTENT = " ".join(WORDS[(i * 7) % len(WORDS)] for i in range(28))  # about 195 characters
CONVERSATIONS = 100


def people() -> tuple[Any, list[Any]]:
    """A sender and those who hear from them, in a tenant that seals."""
    from messaging.models import Tenant, User

    tenant, _ = Tenant.objects.get_or_create(slug="bench", defaults={"name": "Bench"})
    users = User.objects.bulk_create(
        User(tenant=tenant, username=f"bench-{i}", password="!") for i in range(CONVERSATIONS + 1)
    )
    return users[0], users[1:]


def size(default: int) -> int:
    """How many messages: the variable N, as for the peer."""
    return int(os.environ.get("N", default))
