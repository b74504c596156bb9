"""Quotas as a caller meets them: told on every answer, refused with a time, shared with the socket."""

import re

import pytest

from messaging.models import Tenant, User
from tests.messaging.api.calls import GROUP, V1, direct
from tests.messaging.api.conftest import Client

pytestmark = [pytest.mark.django_db, pytest.mark.req("S122")]


@pytest.fixture
def limits(clinic: Tenant) -> None:
    """The clinic may do next to nothing; comes before its people's log-in."""
    clinic.limits = {"sends": 2, "calls": 3, "tenantSends": 3}
    clinic.save()


def test_every_answer_tells_what_is_left(client: Client, alice: User, bob: User) -> None:
    sent = direct(client(alice), bob)

    assert sent["RateLimit-Policy"] == '"sends";q=600;w=60, "tenant-sends";q=60000;w=60'
    assert sent["RateLimit"] == '"sends";r=599;t=1, "tenant-sends";r=59999;t=1'
    assert client(alice).get(f"{V1}/me")["RateLimit"] == '"calls";r=5999;t=1'


@pytest.mark.usefixtures("limits")
def test_who_sends_too_fast_is_told_when_to_come_back(
    client: Client, alice: User, bob: User
) -> None:
    browser = client(alice)
    conversation = direct(browser, bob).json()["message"]["conversationId"]
    body = {"conversationId": conversation, "content": "again"}
    assert browser.post(GROUP, body, format="json").status_code == 202

    refused = direct(browser, bob)

    assert refused.status_code == 429
    assert refused.json()["type"].endswith("#quota-exceeded")
    assert 1 <= int(refused["Retry-After"]) <= 30
    assert refused["RateLimit"].startswith('"sends";r=0;t=60')
    assert browser.get(f"{V1}/me").status_code == 200, "other calls have a quota of their own"


@pytest.mark.usefixtures("limits")
def test_a_tenant_has_a_quota_for_all_its_people(
    client: Client, alice: User, bob: User, mallory: User
) -> None:
    answers = [direct(client(one), other) for one, other in [(alice, bob), (bob, alice)] * 2]

    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
    assert answers[-1]["RateLimit"].startswith('"sends";r=1')
    assert direct(client(mallory), mallory).status_code != 429, "another tenant's is its own"


@pytest.mark.usefixtures("limits")
def test_other_calls_are_limited_as_well(client: Client, alice: User, operator: User) -> None:
    browser = client(alice)

    answers = [browser.get(f"{V1}/conversations").status_code for _ in range(4)]

    assert answers == [200, 200, 200, 429]
    assert browser.get(f"{V1}/messages/queue/metrics").status_code == 429


def test_a_refusal_tells_it_too_and_who_is_nobody_is_not_counted(
    client: Client, alice: User
) -> None:
    assert "RateLimit" in client(alice).post(GROUP, {}, format="json")
    assert "RateLimit" not in client().get(f"{V1}/me")


def test_zero_is_without_limit(client: Client, clinic: Tenant, alice: User, bob: User) -> None:
    clinic.limits = {"sends": 0, "tenantSends": 0}
    clinic.save()
    alice.refresh_from_db()

    assert "RateLimit" not in direct(client(alice), bob)


def test_the_headers_are_items_of_structured_fields(client: Client, alice: User, bob: User) -> None:
    sent = direct(client(alice), bob)

    item = r'"[a-z-]+"(;[a-z]=\d+){2}'
    for name in ("RateLimit", "RateLimit-Policy"):
        assert re.fullmatch(f"{item}(, {item})*", sent[name])
