"""What the load test counts as lost and as twice."""

from uuid import UUID, uuid4

import pytest

from config import loadtest
from config.management.commands.loadtest import text
from messaging.models import Message, MessageDelivery, User
from messaging.services.sending import Draft, send_direct
from queueing.testing import work_all

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sent(alice: User, bob: User) -> list[UUID]:
    """Three messages that have arrived."""
    draft = Draft(content="a quiet evening", encrypted=True)
    for _ in range(3):
        send_direct(sender=alice, recipient_id=bob.pk, draft=draft)
    work_all()
    return list(Message.objects.values_list("pk", flat=True))


def test_everything_that_arrived_once_is_counted_so(sent: list[UUID], alice: User) -> None:
    report = loadtest._report(alice.tenant, sent, [0.1, 0.2, 0.3], 1.0)

    assert report.whole
    assert text(report).endswith("3 sent · 3 delivered once · 0 lost · 0 twice")


def test_a_message_without_its_delivery_is_lost(sent: list[UUID], alice: User) -> None:
    MessageDelivery.objects.filter(message_id=sent[0]).delete()

    report = loadtest._report(alice.tenant, sent, [0.1] * 3, 1.0)

    assert (report.once, report.lost, report.whole) == (2, 1, False)


def test_a_message_that_was_acknowledged_and_is_not_there_is_lost(
    sent: list[UUID], alice: User
) -> None:
    report = loadtest._report(alice.tenant, [*sent, uuid4()], [0.1] * 4, 1.0)

    assert (report.lost, report.whole) == (1, False)


def test_a_message_that_nobody_acknowledged_came_twice(sent: list[UUID], alice: User) -> None:
    report = loadtest._report(alice.tenant, sent[:2], [0.1] * 2, 1.0)

    assert (report.twice, report.whole) == (1, False)
