"""Logging in with a password."""

from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection
from django.test import override_settings

from messaging.errors import QuotaExceeded
from messaging.models import AttemptWindow, AuditEvent, Session, Tenant, User
from messaging.services import accounts, attempts
from tests.conftest import PASSWORD
from tests.messaging.api.calls import V1
from tests.messaging.api.conftest import Client

TOKEN = f"{V1}/auth/token"


def credentials(username: str = "alice", password: str = PASSWORD) -> dict[str, str]:
    return {"username": username, "password": password}


def test_the_right_password_gives_a_pair_of_tokens(client: Client, alice: User) -> None:
    answer = client().post(TOKEN, credentials(), format="json", HTTP_USER_AGENT="Browser/1")

    body = answer.json()
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    assert (body["tokenType"], body["expiresIn"]) == ("Bearer", 900)
    assert body["refreshExpiresIn"] == 7 * 24 * 3600
    assert accounts.authenticate(body["accessToken"]).user == alice
    assert Session.objects.get().user_agent == "Browser/1"


def test_nothing_of_a_token_is_stored_but_a_hash(client: Client, alice: User) -> None:
    body = client().post(TOKEN, credentials(), format="json").json()

    session = Session.objects.get(pk=body["sessionId"])
    assert len(bytes(session.refresh_hash)) == 32
    with connection.cursor() as cursor:
        cursor.execute("SELECT s::text FROM sessions s")
        [row] = cursor.fetchone()
    assert body["refreshToken"] not in row
    assert body["accessToken"] not in row


def test_a_token_opens_the_api(client: Client, alice: User) -> None:
    body = client().post(TOKEN, credentials(), format="json").json()
    browser = client()
    browser.credentials(HTTP_AUTHORIZATION=f"Bearer {body['accessToken']}")

    assert browser.get(f"{V1}/me").json()["id"] == str(alice.pk)


def test_a_name_in_another_normal_form_is_the_same_name(client: Client, clinic: Tenant) -> None:
    User.objects.create_user("zoë", PASSWORD, tenant=clinic)

    assert client().post(TOKEN, credentials("zoe\u0308"), format="json").status_code == 200


def test_a_stale_access_token_beside_the_password_does_not_matter(
    client: Client, alice: User
) -> None:
    browser = client()
    browser.credentials(HTTP_AUTHORIZATION="Bearer stale")

    assert browser.post(TOKEN, credentials(), format="json").status_code == 200


def test_a_wrong_password_and_an_unknown_name_are_answered_alike(
    client: Client, alice: User
) -> None:
    wrong = client().post(TOKEN, credentials(password="wrong"), format="json")
    unknown = client().post(TOKEN, credentials("nobody"), format="json")

    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.json() | {"requestId": ""} == unknown.json() | {"requestId": ""}


def test_an_unknown_name_costs_as_many_hashes_as_a_wrong_password(
    client: Client, alice: User
) -> None:
    def hashes(username: str) -> int:
        encode = PBKDF2PasswordHasher.encode
        with patch.object(
            PBKDF2PasswordHasher, "encode", autospec=True, side_effect=encode
        ) as seen:
            client().post(TOKEN, credentials(username, "wrong"), format="json")
        return seen.call_count

    assert hashes("alice") == hashes("nobody") == 1


def test_who_has_no_password_costs_as_much_and_gets_nothing(client: Client, clinic: Tenant) -> None:
    User.objects.create_user("service", tenant=clinic)

    assert client().post(TOKEN, credentials("service", "!"), format="json").status_code == 401


def test_a_disabled_user_and_a_suspended_tenant_get_nothing(
    client: Client, alice: User, mallory: User, other_clinic: Tenant
) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    Tenant.objects.filter(pk=other_clinic.pk).update(status=Tenant.Status.SUSPENDED)

    assert client().post(TOKEN, credentials(), format="json").status_code == 401
    assert client().post(TOKEN, credentials("mallory"), format="json").status_code == 401


def test_log_ins_and_refusals_are_audited(client: Client, alice: User, operator: User) -> None:
    client().post(TOKEN, credentials(), format="json")
    client().post(TOKEN, credentials(password="wrong"), format="json")
    client().post(TOKEN, credentials("a secret typed in the wrong place"), format="json")

    opened, wrong, unknown = AuditEvent.objects.exclude(action="key.created").order_by("at")
    assert (opened.action, opened.actor_id) == ("session.opened", alice.pk)
    assert (wrong.action, unknown.action) == ("log-in.refused", "log-in.refused")
    assert (wrong.tenant_id, wrong.target_id) == (alice.tenant_id, str(alice.pk))
    assert (unknown.tenant_id, unknown.target_id) == (operator.tenant_id, "unknown")
    assert not AuditEvent.objects.filter(body__contains="secret").exists()


@pytest.mark.req("S122", "D15")
def test_the_hundred_and_first_attempt_has_to_wait(client: Client, alice: User) -> None:
    with patch.object(attempts, "LIMIT", 2):
        answers = [
            client().post(TOKEN, credentials(password="wrong"), format="json") for _ in range(3)
        ]
        right = client().post(TOKEN, credentials(), format="json")

    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert right.status_code == 429
    assert right["Retry-After"] == "900"
    assert right.json()["type"].endswith("#quota-exceeded")


@pytest.mark.django_db(transaction=True)
def test_attempts_at_the_same_time_are_all_counted() -> None:
    def attempt(_: int) -> bool:
        try:
            attempts.count("name alice", "address 192.0.2.1")
        except QuotaExceeded:
            return False
        finally:
            connection.close()
        return True

    with patch.object(attempts, "LIMIT", 5), ThreadPoolExecutor(4) as pool:
        allowed = list(pool.map(attempt, range(12)))

    assert allowed.count(True) == 5


def test_attempts_are_counted_by_name_and_by_address(client: Client, alice: User) -> None:
    with patch.object(attempts, "LIMIT", 2):
        for number in range(2):
            client().post(TOKEN, credentials(f"guess{number}"), format="json")
        same_address = client().post(TOKEN, credentials(), format="json")
        elsewhere = client().post(TOKEN, credentials(), format="json", REMOTE_ADDR="192.0.2.7")

    assert (same_address.status_code, elsewhere.status_code) == (429, 200)


def test_who_gets_in_is_not_counted(client: Client, alice: User) -> None:
    with patch.object(attempts, "LIMIT", 2):
        answers = [client().post(TOKEN, credentials(), format="json") for _ in range(5)]

    assert {answer.status_code for answer in answers} == {200}


def test_the_window_ends_after_fifteen_minutes(client: Client, alice: User) -> None:
    with patch.object(attempts, "LIMIT", 0):
        assert client().post(TOKEN, credentials(), format="json").status_code == 429
    with connection.cursor() as cursor:
        cursor.execute("UPDATE attempt_windows SET started_at = now() - interval '16 minutes'")

    with patch.object(attempts, "LIMIT", 1):
        assert client().post(TOKEN, credentials(), format="json").status_code == 200


def test_windows_long_past_are_dropped(client: Client, alice: User) -> None:
    client().post(TOKEN, credentials("nobody"), format="json")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE attempt_windows SET started_at = now() - interval '16 minutes'")

    client().post(TOKEN, credentials(), format="json", REMOTE_ADDR="192.0.2.7")

    assert AttemptWindow.objects.count() == 2


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:0db8:0001:0002"),
        ("2001:db8:1:2:ffff::1", "2001:0db8:0001:0002"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("' OR 1=1", "unknown"),
        ("", "unknown"),
    ],
)
def test_an_address_counts_as_the_network_that_one_customer_has(address: str, network: str) -> None:
    assert attempts.network(address) == network


def test_a_forwarded_address_counts_only_behind_our_proxy(client: Client, alice: User) -> None:
    def attempt(forwarded: str) -> int:
        return (
            client()
            .post(TOKEN, credentials("nobody"), format="json", HTTP_X_FORWARDED_FOR=forwarded)
            .status_code
        )

    with patch.object(attempts, "LIMIT", 1), patch.object(attempts, "keys", wraps=by_address):
        assert [attempt("192.0.2.1"), attempt("192.0.2.2")] == [401, 429]
        with override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")):
            assert attempt("192.0.2.1, 192.0.2.3") == 401
            assert attempt("192.0.2.2, 192.0.2.3") == 429


def by_address(subjects: tuple[str, ...]) -> list[bytes]:
    return [subject.encode()[:32] for subject in subjects if subject.startswith("address")]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"username": "alice"}, "#/password"),
        ({"username": 1, "password": "x"}, "#/username"),
        ({"username": "alice", "password": True}, "#/password"),
        ({"username": "", "password": "x"}, "#/username"),
        ({"username": "a" * 151, "password": "x"}, "#/username"),
        ({"username": "alice", "password": "x" * 1025}, "#/password"),
        ({"username": "alice", "password": "x", "isStaff": True}, "#/isStaff"),
    ],
)
def test_a_body_of_another_form_is_refused(
    client: Client, db: None, body: dict[str, object], pointer: str
) -> None:
    answer = client().post(TOKEN, body, format="json")

    assert answer.status_code == 400
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


def test_mallory_gets_her_own_tenant_and_no_other(
    client: Client, mallory: User, alice: User
) -> None:
    body = client().post(TOKEN, credentials("mallory"), format="json").json()

    assert accounts.authenticate(body["accessToken"]).user.tenant_id == mallory.tenant_id
