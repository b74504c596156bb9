"""What operators see of the circuits, and how they close one."""

from collections.abc import Callable

import pytest
from django.test import Client

from messaging.models import AuditEvent, User
from queueing import breaker
from queueing.errors import Throttled
from queueing.models import CircuitBreaker
from queueing.postgres import execute

pytestmark = [pytest.mark.django_db, pytest.mark.req("S163")]
PAGE = "/admin/queueing/circuitbreaker/"
CLOSE = f"{PAGE}smtp/close/"


def state() -> str:
    return CircuitBreaker.objects.get().state


@pytest.fixture(autouse=True)
def away() -> None:
    """The mail server is not called."""
    CircuitBreaker.objects.create(provider="smtp", state="open", failures=5, calls=5)
    execute("UPDATE circuit_breakers SET retry_at = now() + interval '30 seconds'")


@pytest.fixture
def logged_in() -> Callable[[User], Client]:
    """Somebody who has every permission."""

    def make(user: User) -> Client:
        user.is_staff = user.is_superuser = True
        user.save()
        client = Client()
        client.force_login(user)
        return client

    return make


def test_it_shows_each_circuit_and_changes_none(
    operator: User, logged_in: Callable[[User], Client]
) -> None:
    client = logged_in(operator)
    page = client.get(PAGE).text

    assert "smtp" in page and "Open" in page and CLOSE in page
    assert "circuitbreaker/add/" not in page
    assert "_save" not in client.get(f"{PAGE}smtp/change/").text


def test_closing_needs_a_reason_and_is_in_the_trail(
    operator: User, logged_in: Callable[[User], Client]
) -> None:
    client = logged_in(operator)
    with pytest.raises(Throttled), breaker.through("smtp"):
        pytest.fail("it was called")
    assert "Close the circuit of smtp" in client.get(CLOSE).text
    client.post(CLOSE, {"reason": ""})
    assert state() == "open"

    client.post(CLOSE, {"reason": "it is back"})
    client.post(CLOSE, {"reason": "twice"})

    event = AuditEvent.objects.get(action="circuit.closed")
    assert (event.actor_id, event.target_id) == (operator.pk, "smtp")
    assert "it is back" in event.body
    assert state() == "closed" and CLOSE not in client.get(PAGE).text
    breaker.forget()
    with breaker.through("smtp"):
        pass


def test_a_tenants_own_staff_may_not(alice: User, logged_in: Callable[[User], Client]) -> None:
    client = logged_in(alice)

    assert client.get(PAGE).status_code == 403
    assert client.post(CLOSE, {"reason": "mine"}).status_code == 403
    assert state() == "open"


def test_there_is_no_page_for_who_is_not_there(
    operator: User, logged_in: Callable[[User], Client]
) -> None:
    assert logged_in(operator).get(f"{PAGE}nobody/close/").status_code == 404
