"""How refusals look, and that they say nothing that they should not."""

import logging
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import IntegrityError, OperationalError
from django.http import Http404
from django.test import Client as Browser

from messaging import errors
from messaging.api.errors import Problem, problem, translate
from messaging.api.problems import KINDS, type_of
from messaging.errors import MessagingError
from messaging.models import User
from messaging.services import accounts
from queueing.errors import JobNotFound, JobStateConflict, QueueNotFound
from tests.messaging.api.calls import V1
from tests.messaging.api.conftest import Client

SECRET = "the patient in room 7"


def every_error() -> list[type[MessagingError]]:
    found, seen = [MessagingError], []
    while found:
        kind = found.pop()
        seen.append(kind)
        found += kind.__subclasses__()
    return seen


def test_a_problem_has_the_members_of_the_standard(client: Client, alice: User) -> None:
    answer = client(alice).get(f"{V1}/messages/{uuid4()}", HTTP_X_REQUEST_ID="req-1")

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json() == {
        "type": "/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": KINDS["not-found"].advice,
        "requestId": "req-1",
    }


def test_field_errors_point_into_the_body(client: Client, alice: User) -> None:
    body = {"recipientId": "user-002", "content": 0, "metadata": [], "a/b~c": 1}

    answer = client(alice).post(f"{V1}/messages/direct", body, format="json")

    found = {error["pointer"]: error["code"] for error in answer.json()["errors"]}
    assert found == {
        "#/recipientId": "invalid",
        "#/content": "invalid",
        "#/metadata": "not_a_dict",
        "#/a~1b~0c": "unknown",
    }


def test_an_item_of_a_list_is_pointed_at(client: Client, alice: User) -> None:
    body = {"participantIds": [str(uuid4()), "x", 7]}

    answer = client(alice).post(f"{V1}/conversations", body, format="json")

    pointers = [error["pointer"] for error in answer.json()["errors"]]
    assert pointers == ["#/participantIds/1", "#/participantIds/2"]


def test_parameters_of_the_address_are_named(client: Client, alice: User) -> None:
    answer = client(alice).get(f"{V1}/conversations?limit=0&cursor=x&page=2")

    named = sorted(error["parameter"] for error in answer.json()["errors"])
    assert (answer.status_code, named) == (400, ["cursor", "limit", "page"])


def test_an_answer_lists_at_most_fifty_errors(client: Client, alice: User) -> None:
    body = {f"field{number}": 1 for number in range(200)}

    answer = client(alice).post(f"{V1}/messages/direct", body, format="json")

    assert len(answer.json()["errors"]) == 50


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_every_error_of_the_product_is_a_kind_of_problem(kind: type[MessagingError]) -> None:
    found = translate(kind())

    assert found.code == kind.code
    assert KINDS[kind.code].status == kind.status


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Http404(), "not-found"),
        (PermissionDenied(SECRET), "forbidden"),
        (SuspiciousOperation(SECRET), "malformed"),
        (JobNotFound(), "not-found"),
        (QueueNotFound(), "not-found"),
        (JobStateConflict(), "job-state"),
        (OperationalError(SECRET), "unavailable"),
        (IntegrityError(SECRET), "internal"),
        (KeyError(SECRET), "internal"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
def test_other_errors_are_translated_without_their_text(error: Exception, code: str) -> None:
    found = translate(error)

    assert found.code == code
    assert SECRET not in str(found)


def test_what_nobody_expected_is_500_without_a_word_of_it(
    client: Client, alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    browser = client(alice)

    with (
        caplog.at_level(logging.ERROR),
        patch.object(accounts, "list_sessions", side_effect=ValueError(SECRET)),
    ):
        answer = browser.get(f"{V1}/me/sessions", HTTP_X_REQUEST_ID="req-2")

    assert answer.status_code == 500
    assert answer.json()["type"] == "/problems/internal"
    assert SECRET not in answer.content.decode()
    assert "req-2: ValueError" in caplog.text
    assert "list_sessions" in caplog.text
    assert SECRET not in caplog.text


def test_a_wait_is_told() -> None:
    answer = problem(errors.QuotaExceeded(retry_after=7), {})

    assert answer["Retry-After"] == "7"


def test_a_pointer_of_a_service_is_passed_on() -> None:
    found = translate(errors.Invalid("Nobody writes to themselves.", pointer="/recipientId"))

    assert found.errors == [
        {
            "pointer": "#/recipientId",
            "code": "invalid",
            "detail": "Nobody writes to themselves.",
        }
    ]


@pytest.mark.parametrize("code", KINDS)
def test_every_kind_has_a_page_that_says_what_to_do(code: str) -> None:
    answer = Browser().get(f"/problems/{code}")

    assert answer.status_code == 200
    assert KINDS[code].title in answer.content.decode()


def test_an_unknown_kind_has_no_page() -> None:
    assert Browser().get("/problems/nonsense").status_code == 404


def test_a_type_is_the_address_of_its_page_or_registered() -> None:
    assert type_of("validation") == "/problems/validation"
    assert type_of("quota-exceeded").startswith("https://iana.org/")


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/nothing", "/api/v1/messages/not-a-uuid"])
def test_an_address_that_does_not_exist_is_a_problem_too(path: str) -> None:
    answer = Browser().get(path)

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["requestId"] == answer["X-Request-Id"]


def test_outside_of_the_api_django_answers() -> None:
    assert b"<html" in Browser().get("/nothing").content


def test_a_wrong_method_is_405_and_says_which_are_right(client: Client, alice: User) -> None:
    answer = client(alice).delete(f"{V1}/me")

    assert answer.status_code == 405
    assert answer.json()["type"] == "/problems/method-not-allowed"
    assert "GET" in answer["Allow"]


def test_options_tells_nothing_about_a_view(client: Client, alice: User) -> None:
    assert client(alice).options(f"{V1}/me").status_code == 405


def test_nothing_but_json_is_served(client: Client, alice: User) -> None:
    answer = client(alice).get(f"{V1}/me", HTTP_ACCEPT="text/html")

    assert answer.status_code == 406
    assert answer.json()["type"] == "/problems/not-acceptable"


def test_a_host_that_is_not_ours_is_400(client: Client) -> None:
    answer = client().get(f"{V1}/me", HTTP_HOST="evil.example")

    assert answer.status_code == 400
    assert b"evil.example" not in answer.content


@pytest.mark.parametrize("given", ["req-1", "A.b_c-9", "x" * 64])
def test_a_sane_request_id_is_echoed(given: str) -> None:
    assert Browser().get("/problems/internal", HTTP_X_REQUEST_ID=given)["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\nb: c", "<script>", "é"])
def test_any_other_request_id_is_replaced(given: str) -> None:
    answered = Browser().get("/problems/internal", HTTP_X_REQUEST_ID=given)["X-Request-Id"]

    assert answered != given
    assert len(answered) == 36


def test_nothing_of_the_api_may_be_stored_by_a_cache(client: Client, alice: User) -> None:
    answer = client(alice).get(f"{V1}/me")

    assert answer["Cache-Control"] == "no-store"
    assert "Authorization" in answer["Vary"]


def test_both_prefixes_lead_to_the_same_view(client: Client, alice: User) -> None:
    browser = client(alice)

    assert browser.get("/api/me").json() == browser.get("/api/v1/me").json()


def test_a_problem_has_a_title_of_its_own_or_of_its_kind() -> None:
    assert Problem("conflict").body(None)["title"] == KINDS["conflict"].title
    assert translate(errors.AccountDisabled()).body(None)["title"] == "This account is disabled"


def test_mallory_gets_the_same_404_for_what_exists_and_what_does_not(
    client: Client, mallory: User, alice: User
) -> None:
    theirs = accounts.open_session(user=alice).session_id
    her = client(mallory)

    answers = [her.delete(f"{V1}/me/sessions/{one}").json() for one in (theirs, uuid4())]

    assert len({str(answer | {"requestId": ""}) for answer in answers}) == 1
