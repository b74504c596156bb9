"""People to send to."""

import pytest

from messaging.models import (
    Tenant,
    User,
)
from tests.messaging.batches.turns import Crowd


@pytest.fixture
def crowd(clinic: Tenant) -> Crowd:
    """Makes people of the clinic."""

    def make(number: int) -> list[User]:
        people = [User(username=f"person{n}", tenant=clinic) for n in range(number)]
        return User.objects.bulk_create(people)

    return make
