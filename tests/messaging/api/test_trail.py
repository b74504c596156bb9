"""The audit trail over REST: for security officers, of their tenant, by filters, itself in the trail."""

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.utils import timezone

from messaging import audit
from messaging.models import AuditEvent, User
from messaging.services.trail import PERMISSION
from tests.messaging.api.calls import V1, direct
from tests.messaging.api.conftest import Client

pytestmark = [pytest.mark.django_db, pytest.mark.req("S132")]
TRAIL = f"{V1}/audit"
MIGRATION = import_module("messaging.migrations.0008_security_officers")


@pytest.fixture
def appoint(db: None) -> Callable[[User], User]:
    """Makes somebody a security officer."""

    def make(user: User) -> User:
        MIGRATION.make_group(apps, None)
        user.groups.add(Group.objects.get(name=MIGRATION.GROUP))
        return user

    return make


@pytest.fixture
def officer(appoint: Callable[[User], User], person: Callable[..., User]) -> User:
    """The clinic's own."""
    return appoint(person("olga"))


def rows(browser: Any, **query: object) -> list[dict[str, Any]]:
    answer = browser.get(f"{TRAIL}?{urlencode(query)}")
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def test_the_group_may_read_the_trail_and_nothing_else(officer: User) -> None:
    assert User.objects.get(pk=officer.pk).get_all_permissions() == {PERMISSION}


def test_an_officer_reads_who_did_what(
    client: Client, officer: User, alice: User, bob: User
) -> None:
    sent = direct(client(alice), bob, "a canary in the ward").json()["message"]["id"]
    client(bob).get(f"{V1}/messages/{sent}")

    answer = client(officer).get(f"{TRAIL}?target={sent}")

    found = answer.json()["data"]
    assert {str(alice.pk), str(bob.pk)} >= {row["actorId"] for row in found} != set()
    assert {row["tenantId"] for row in found} == {str(officer.tenant_id)}
    assert [row["id"] for row in found] == sorted((row["id"] for row in found), reverse=True)
    assert b"canary" not in answer.content


def test_each_filter_holds(client: Client, officer: User, alice: User, bob: User) -> None:
    for person, action in ((alice, "a.one"), (alice, "a.two"), (bob, "a.one")):
        audit.record(
            tenant_id=officer.tenant_id,
            actor_id=person.pk,
            action=action,
            target_type="thing",
            target_id=person.pk,
            count=3,
        )
    browser = client(officer)

    both = rows(browser, actor=alice.pk, action="a.one")
    assert [(row["actorId"], row["action"], row["facts"]) for row in both] == [
        (str(alice.pk), "a.one", {"count": 3})
    ]
    assert {row["action"] for row in rows(browser, target=bob.pk)} == {"a.one"}
    assert rows(browser, target=uuid4()) == []


def test_a_period_is_from_and_up_to(client: Client, officer: User, alice: User) -> None:
    def made(**span: object) -> list[str]:
        return [row["action"] for row in rows(client(officer), actor=alice.pk, **span)]

    audit.record(
        tenant_id=officer.tenant_id,
        actor_id=alice.pk,
        action="a.one",
        target_type="thing",
        target_id="1",
    )
    at = AuditEvent.objects.get(action="a.one").at
    spell = "{:%Y-%m-%dT%H:%M:%S.%fZ}".format

    assert "a.one" in made(**{"from": spell(at)})
    assert "a.one" not in made(**{"from": spell(at + timedelta(microseconds=1))})
    assert "a.one" not in made(to=spell(at))
    assert "a.one" in made(to=spell(at + timedelta(microseconds=1)))
    for extreme in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        made(**{"from": extreme}), made(to=extreme)


def test_it_comes_a_page_at_a_time(client: Client, officer: User) -> None:
    for number in range(5):
        audit.record(
            tenant_id=officer.tenant_id,
            actor_id=None,
            action="a.step",
            target_type="thing",
            target_id=str(number),
        )
    browser, query = client(officer), {"action": "a.step", "limit": 2}
    seen: list[str] = []
    while True:
        page = browser.get(f"{TRAIL}?{urlencode(query)}").json()
        seen += [row["targetId"] for row in page["data"]]
        if not page["hasMore"]:
            break
        query["cursor"] = page["nextCursor"]

    assert seen == ["4", "3", "2", "1", "0"]


def test_who_reads_stands_in_it_and_so_does_who_may_not(
    client: Client, officer: User, alice: User
) -> None:
    rows(client(officer), actor=alice.pk)
    answer = client(alice).get(TRAIL)

    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (403, "forbidden")
    read, refused = (
        rows(client(officer), action="audit.read"),
        rows(client(officer), action="audit.refused"),
    )
    assert read[0]["actorId"] == str(officer.pk)
    assert read[0]["facts"] == {"filters": {"actor": str(alice.pk)}, "rows": 0}
    assert [row["actorId"] for row in refused] == [str(alice.pk)]


def test_staff_alone_is_no_officer_and_a_dismissed_one_is_none_at_once(
    client: Client, officer: User, alice: User
) -> None:
    alice.is_staff = True
    alice.save()
    assert client(alice).get(TRAIL).status_code == 403

    browser = client(officer)
    assert browser.get(TRAIL).status_code == 200
    officer.groups.clear()
    assert browser.get(TRAIL).status_code == 403


def test_an_officer_elsewhere_reads_nothing_of_ours(
    client: Client, officer: User, mallory: User, appoint: Callable[[User], User]
) -> None:
    rows(client(officer))

    found = rows(client(appoint(mallory)))

    assert {row["tenantId"] for row in found} <= {str(mallory.tenant_id)}
    assert rows(client(mallory), actor=officer.pk) == []


def test_officers_of_the_operators_read_all(
    client: Client, officer: User, operator: User, appoint: Callable[[User], User]
) -> None:
    rows(client(officer))

    found = rows(client(appoint(operator)), actor=officer.pk)

    assert {row["tenantId"] for row in found} == {str(officer.tenant_id)}


@pytest.mark.parametrize(
    "query",
    ["actor=me", "action=a%20word", "target=" + "a" * 65, "from=yesterday", "to=", "who=alice"],
)
def test_what_cannot_be_asked_is_refused(client: Client, officer: User, query: str) -> None:
    assert client(officer).get(f"{TRAIL}?{query}").status_code == 400


def test_the_past_stays_as_it_was(client: Client, officer: User) -> None:
    rows(client(officer))

    assert AuditEvent.objects.filter(at__lte=timezone.now()).exists()
    for method in ("put", "patch", "delete", "post"):
        assert getattr(client(officer), method)(TRAIL).status_code == 405
