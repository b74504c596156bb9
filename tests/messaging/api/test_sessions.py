"""Refreshing, ending and listing sessions; socket tickets; who one is."""

import time
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from uuid import UUID, uuid4

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection

from messaging.errors import Unauthenticated
from messaging.models import AuditEvent, Session, SocketTicket, Tenant, User
from messaging.services import accounts, identities
from messaging.services.accounts import Tokens
from tests.messaging.api.calls import V1
from tests.messaging.api.conftest import Client
from tests.messaging.api.contract import CheckedClient

REFRESH, REVOKE, TICKET = (f"{V1}/auth/{verb}" for verb in ("refresh", "revoke", "socket-ticket"))
DAY = 24 * 3600


@pytest.fixture
def pair(alice: User) -> Tokens:
    return accounts.open_session(user=alice)


def send(token: str, path: str = REFRESH) -> tuple[int, dict[str, str]]:
    answer = CheckedClient().post(path, {"refreshToken": token}, format="json")
    return answer.status_code, answer.json() if answer.content else {}


def test_a_refresh_gives_the_next_pair_of_the_same_session(pair: Tokens) -> None:
    status, body = send(pair.refresh)

    assert status == 200
    assert UUID(body["sessionId"]) == pair.session_id
    assert body["refreshToken"] != pair.refresh
    assert accounts.authenticate(body["accessToken"]).session_id == pair.session_id
    assert send(body["refreshToken"])[0] == 200


def test_a_refresh_token_used_twice_ends_the_session(pair: Tokens) -> None:
    _, body = send(pair.refresh)

    status, problem = send(pair.refresh)

    identities.forget_all()
    assert (status, problem["type"]) == (401, "/problems/unauthenticated")
    assert send(body["refreshToken"])[0] == 401
    with pytest.raises(Unauthenticated):
        accounts.authenticate(body["accessToken"])
    assert AuditEvent.objects.filter(action="session.reuse-detected").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_refreshes_at_once_give_one_pair_and_end_the_session(pair: Tokens) -> None:
    def attempt(_: int) -> int:
        try:
            return send(pair.refresh)[0]
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(attempt, range(2)))

    assert statuses == [200, 401]
    assert Session.objects.get(pk=pair.session_id).revoked_at is not None


@pytest.mark.req("D15")
def test_a_session_unused_for_a_week_is_over(pair: Tokens) -> None:
    with time_machine.travel(time.time() + 7 * DAY + 61):
        assert send(pair.refresh)[0] == 401


def test_a_session_in_use_is_over_after_thirty_days(pair: Tokens) -> None:
    token, start = pair.refresh, time.time()
    for day in range(6, 30, 6):
        with time_machine.travel(start + day * DAY):
            status, body = send(token)
            assert status == 200
            token = body["refreshToken"]

    with time_machine.travel(start + 30 * DAY - 300):
        status, body = send(token)
        assert status == 200
        assert int(body["expiresIn"]) <= 300
        token = body["refreshToken"]
    with time_machine.travel(start + 30 * DAY + 61):
        assert send(token)[0] == 401


def test_a_session_refreshes_at_most_a_hundred_times_in_fifteen_minutes(pair: Tokens) -> None:
    token = pair.refresh
    for _ in range(100):
        status, body = send(token)
        assert status == 200
        token = body["refreshToken"]

    assert send(token)[0] == 429


def test_logging_out_ends_the_session(pair: Tokens) -> None:
    assert send(pair.refresh, REVOKE) == (204, {})

    identities.forget_all()
    assert send(pair.refresh)[0] == 401
    with pytest.raises(Unauthenticated):
        accounts.authenticate(pair.access)


@pytest.mark.parametrize("token", ["x", "a.b.c"])
def test_logging_out_with_any_token_is_answered_alike(db: None, token: str) -> None:
    assert send(token, REVOKE) == (204, {})


def test_one_sees_from_where_one_is_logged_in(client: Client, alice: User, bob: User) -> None:
    accounts.open_session(user=alice, user_agent="Phone")
    accounts.open_session(user=bob)

    rows = client(alice).get(f"{V1}/me/sessions").json()["data"]

    assert [(row["userAgent"], row["current"]) for row in rows] == [
        ("tests", True),
        ("Phone", False),
    ]
    assert not any("hash" in key.lower() for row in rows for key in row)


def test_sessions_come_a_page_at_a_time(client: Client, alice: User) -> None:
    browser = client(alice)
    for _ in range(4):
        accounts.open_session(user=alice)

    first = browser.get(f"{V1}/me/sessions?limit=3")
    second = browser.get(f"{V1}/me/sessions?limit=3&cursor={first.json()['nextCursor']}").json()

    ids = [row["id"] for row in first.json()["data"] + second["data"]]
    assert len(set(ids)) == 5
    assert (first.json()["hasMore"], second["hasMore"], second["nextCursor"]) == (True, False, None)
    assert 'rel="next"' in first["Link"]


def test_a_session_can_be_ended_from_another(client: Client, alice: User) -> None:
    lost = accounts.open_session(user=alice, user_agent="Lost phone")

    assert client(alice).delete(f"{V1}/me/sessions/{lost.session_id}").status_code == 204

    assert Session.objects.get(pk=lost.session_id).revoked_at is not None
    assert send(lost.refresh)[0] == 401
    assert client(alice).delete(f"{V1}/me/sessions/{lost.session_id}").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_the_process_that_ends_a_session_refuses_its_token_at_once(
    client: Client, alice: User, pair: Tokens
) -> None:
    accounts.authenticate(pair.access)

    client(alice).delete(f"{V1}/me/sessions/{pair.session_id}")

    with pytest.raises(Unauthenticated):
        accounts.authenticate(pair.access)


def test_mallory_can_neither_see_nor_end_alices_session(
    client: Client, mallory: User, pair: Tokens
) -> None:
    her = client(mallory)

    assert her.delete(f"{V1}/me/sessions/{pair.session_id}").status_code == 404
    assert her.delete(f"{V1}/me/sessions/{uuid4()}").status_code == 404
    assert str(pair.session_id) not in her.get(f"{V1}/me/sessions").content.decode()
    assert Session.objects.get(pk=pair.session_id).revoked_at is None


def test_one_can_ask_who_one_is(client: Client, alice: User, clinic: Tenant) -> None:
    me = client(alice).get(f"{V1}/me").json()

    assert me["username"] == "alice"
    assert me["tenant"] == {"id": str(clinic.pk), "name": "Clinic"}
    assert "password" not in me


def test_a_ticket_opens_once_as_who_asked_for_it(client: Client, alice: User) -> None:
    body = client(alice).post(TICKET).json()

    identity = accounts.redeem_ticket(body["ticket"])

    assert body["expiresIn"] == 30
    assert identity.user == alice
    assert 800 < identity.expires_at.timestamp() - time.time() <= 900
    with pytest.raises(Unauthenticated):
        accounts.redeem_ticket(body["ticket"])


def test_a_ticket_is_void_after_thirty_seconds(client: Client, alice: User) -> None:
    ticket = client(alice).post(TICKET).json()["ticket"]

    with time_machine.travel(time.time() + 31), pytest.raises(Unauthenticated):
        accounts.redeem_ticket(ticket)


def test_a_ticket_of_an_ended_session_is_void(client: Client, alice: User) -> None:
    ticket = client(alice).post(TICKET).json()["ticket"]
    accounts.revoke(user=alice, session_id=Session.objects.get().pk)
    identities.forget_all()

    with pytest.raises(Unauthenticated):
        accounts.redeem_ticket(ticket)


def test_tickets_that_nobody_used_go_with_the_next_one(client: Client, alice: User) -> None:
    browser = client(alice)
    browser.post(TICKET)
    with time_machine.travel(time.time() + 60):
        browser.post(TICKET)

    assert SocketTicket.objects.count() == 1


def test_a_ticket_needs_a_log_in(client: Client, db: None) -> None:
    assert client().post(TICKET).status_code == 401


def test_the_command_prints_a_token_that_works(alice: User) -> None:
    out = StringIO()

    call_command("token", "alice", stdout=out)

    assert accounts.authenticate(out.getvalue().strip()).user == alice
    with pytest.raises(CommandError):
        call_command("token", "nobody")
