"""Trying whether a message opens: for staff of its tenant and operators, without its text."""

from messaging.models import AuditEvent, User
from queueing.testing import work_all
from tests.messaging.api.calls import V1, direct
from tests.messaging.api.conftest import Client


def test_staff_learn_whether_a_message_opens_and_not_what_it_says(
    client: Client, alice: User, bob: User, eve: User
) -> None:
    User.objects.filter(pk=eve.pk).update(is_staff=True)
    eve.refresh_from_db()
    where = direct(client(alice), bob, "a canary sings")["Location"]
    hers = client(eve)

    answer = hers.post(f"{where}/verify")
    work_all()

    assert answer.status_code == 202
    job = hers.get(answer["Location"]).json()
    assert job["result"] == {"success": True, "opens": True, "code": None}
    assert "canary" not in str(job)
    assert hers.get(where).status_code == 404
    asked = AuditEvent.objects.get(action="message.verification-asked")
    done = AuditEvent.objects.get(action="message.verified")
    assert asked.actor_id == done.actor_id == eve.pk


def test_mallory_and_people_without_a_badge_get_nothing(
    client: Client, alice: User, bob: User, eve: User, mallory: User, operator: User
) -> None:
    User.objects.filter(pk=mallory.pk).update(is_staff=True)
    mallory.refresh_from_db()
    where = direct(client(alice), bob)["Location"]

    for who, status in ((alice, 403), (bob, 403), (eve, 404), (mallory, 404), (None, 401)):
        assert client(who).post(f"{where}/verify").status_code == status
    assert client(operator).post(f"{where}/verify").status_code == 202
    nobodys = f"{V1}/messages/01a202bd-0825-7eb2-a343-10c0cb104660/verify"
    assert client(operator).post(nobodys).status_code == 404
