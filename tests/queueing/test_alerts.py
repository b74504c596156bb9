"""What is wrong with a queue becomes an incident, and is over when it has not been so for a while."""

from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from config.programs import LANES
from config.schedule import SCHEDULE
from messaging.models import User
from queueing import alerts, maintenance
from queueing.ids import uuid7
from queueing.lanes import Identity
from queueing.models import AlertIncident, LaneControl
from queueing.postgres import execute
from queueing.queues import DELIVERY, INDEXING, QUEUES
from tests.queueing.incidents import Receiver, ended, incidents, look, pass_by, waiting

pytestmark = [pytest.mark.django_db, pytest.mark.req("S127", "S129")]

PAGE = "/admin/queueing/alertincident/"


@pytest.fixture(autouse=True)
def served() -> None:
    """A worker for every queue."""
    Identity(uuid7(), "all@here", 2, QUEUES).beat()


def test_where_all_is_well_nobody_is_told(receiver: Receiver) -> None:
    ended(DELIVERY, completed=100)
    waiting(DELIVERY, 29)
    waiting(INDEXING, 299)

    assert look() == "opened=0 resolved=0 told=0"
    assert (incidents(), receiver.bodies, mail.outbox) == ([], [], [])


def test_what_comes_back_after_its_end_is_a_new_incident(receiver: Receiver) -> None:
    waiting(INDEXING, 301)
    look()
    execute("DELETE FROM jobs")
    pass_by(alerts.CALM + 1)
    look()
    waiting(INDEXING, 301)

    assert look() == "opened=1 resolved=0 told=2"
    rule = ("OldestJobTooOld", INDEXING.name)
    assert incidents() == [(*rule, True), (*rule, False)]


def test_dead_letters_of_the_window_are_an_incident_until_they_are_old(receiver: Receiver) -> None:
    ended(DELIVERY, failed=1, minutes=14)
    ended(INDEXING, failed=1, minutes=16)

    look()

    assert incidents() == [("DeadLetters", DELIVERY.name, False)]
    assert AlertIncident.objects.get().facts == {"failed": 1, "minutes": 15}


@pytest.mark.parametrize(("completed", "failed", "told"), [(95, 5, 1), (96, 4, 0), (18, 1, 0)])
def test_a_rate_of_one_in_twenty_is_an_incident(
    settings: Any, completed: int, failed: int, told: int
) -> None:
    settings.ALERT_FAILED_JOBS = 1000
    ended(DELIVERY, completed=completed, failed=failed)

    alerts.evaluate()

    assert incidents() == [("FailureRateHigh", DELIVERY.name, False)] * told


def test_a_queue_that_nobody_serves_is_an_incident() -> None:
    execute("UPDATE workers SET queues = array_remove(queues, 'message-indexing')")

    alerts.evaluate()

    assert incidents() == [("NoWorkers", INDEXING.name, False)]


def test_a_paused_queue_may_be_old() -> None:
    LaneControl.objects.create(queue=DELIVERY.name)
    waiting(DELIVERY, 4000)

    assert alerts.evaluate() == (0, 0)


def test_every_threshold_can_be_set(settings: Any) -> None:
    settings.ALERT_FAILED_JOBS, settings.ALERT_WINDOW_MINUTES = 3, 60
    settings.ALERT_FAILURE_PERCENT = 50
    settings.ALERT_DELIVERY_SECONDS, settings.ALERT_OTHER_SECONDS = 100, 5
    ended(DELIVERY, completed=20, failed=3, minutes=30)
    waiting(DELIVERY, 90)
    waiting(INDEXING, 6)

    alerts.evaluate()

    wanted = [("DeadLetters", DELIVERY.name, False), ("OldestJobTooOld", INDEXING.name, False)]
    assert incidents() == wanted


def test_every_rule_has_its_heading_for_operators() -> None:
    lines = (Path(__file__).parents[2] / "docs" / "operate.md").read_text().splitlines()

    assert {f"### {rule}" for rule in alerts.RULES} - set(lines) == set()


def test_two_workers_look_that_serve_different_queues() -> None:
    lines = [line for line in SCHEDULE if line.task == "alerts.evaluate"]

    assert [line.every for line in lines] == [30, 30]
    for queues, _ in LANES.values():
        assert sum(line.queue in queues for line in lines) == 1


def test_operators_see_alerts_and_nobody_can_change_them(operator: User, alice: User) -> None:
    waiting(DELIVERY, 31)
    alerts.evaluate()
    row = AlertIncident.objects.get()
    for user, status in ((operator, 200), (alice, 403)):
        user.is_staff = user.is_superuser = True
        user.save()
        browser = Client()
        browser.force_login(user)
        assert browser.get(PAGE).status_code == status
        page = browser.get(f"{PAGE}{row.pk}/change/")
        assert page.status_code == status
        assert b'name="_save"' not in page.content
        assert browser.post(f"{PAGE}{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_alerts_that_are_long_over_go() -> None:
    for rule, days in (("A", 91), ("B", 89)):
        row = AlertIncident.objects.create(rule=rule, queue=DELIVERY.name, facts={})
        execute(
            "UPDATE alert_incidents SET resolved_at = now() - make_interval(days => %(age)s::int)"
            " WHERE id = %(id)s::uuid",
            {"age": days, "id": row.pk},
        )

    maintenance.prune()

    assert [row[0] for row in incidents()] == ["B"]
