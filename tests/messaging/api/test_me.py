"""Oneself over REST: who one is, and at which number one gets SMS."""

import pytest

from messaging.models import AuditEvent, User
from messaging.services import identities
from tests.messaging.api.calls import V1
from tests.messaging.api.conftest import Client

ME = f"{V1}/me"


@pytest.mark.req("S91")
def test_one_says_at_which_number_one_gets_sms_and_takes_it_back(client: Client, bob: User) -> None:
    browser = client(bob)

    for number in ("+4930123456", ""):
        answer = browser.patch(ME, {"phone": number}, format="json")
        identities.forget_all()  # as the commit does
        assert answer.status_code == 200 and answer.json() == browser.get(ME).json()
        bob.refresh_from_db()
        assert bob.phone == answer.json()["phone"] == number
    lines = AuditEvent.objects.filter(action="user.phone-changed")
    assert lines.count() == 2 and not any("4930" in line.body for line in lines)


@pytest.mark.parametrize(
    "body",
    [
        {"phone": "030 123456"},
        {"phone": "+0123456"},
        {"phone": "+4930123456\n"},
        {"phone": "+" + "1" * 16},
        {"phone": "+٤٩٣٠١٢٣٤٥٦"},
        {"phone": 4930123456},
        {"phone": None},
        {},
        {"phone": "", "isStaff": True},
    ],
)
def test_what_is_no_number_is_refused(client: Client, bob: User, body: dict[str, object]) -> None:
    assert client(bob).patch(ME, body, format="json").status_code == 400


def test_nobody_changes_nothing(client: Client, db: None) -> None:
    assert client().patch(ME, {"phone": ""}, format="json").status_code == 401
