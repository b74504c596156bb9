"""The operator sees what happened to a message, never what it says, and can set it going again."""

import pytest

from tests.journeys.dead_letter import dead_letter
from tests.journeys.walk import Walk
from tests.system.canary import word
from tests.system.system import System

pytestmark = pytest.mark.journey


@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "plain"])
def test_the_pages_of_a_message_and_its_jobs_do_not_show_the_text(
    system: System, sealed: bool
) -> None:
    walk = Walk(system, ("bob",), sealed).go()
    walk.jobs()
    jobs = [f"/admin/queueing/job/{id}/change/" for id in walk.job_ids.values() if id]
    lists = [f"/admin/{each}/" for each in ("queueing/job", "messaging/message")]

    for path in (f"/admin/messaging/message/{walk.message_id}/change/", *jobs, *lists):
        page = system.admin().get(path)
        assert page.status == 200, path
        assert walk.message_id[:-1] in page.text, path
        assert walk.word not in page.text, path


@pytest.mark.req("S13", "S47", "S152")
def test_a_retry_in_the_admin_resumes_at_the_step_that_failed(system: System) -> None:
    text, admin = word(), system.admin()
    letter = dead_letter(system, text)

    page = admin.get(f"{letter.page}change/")
    assert page.status == 200
    assert "failed" in page.text
    assert text not in page.text
    letter.repair()
    assert admin.post(f"{letter.page}retry/", {"reason": "The ciphertext is whole."}).status == 200

    letter.until_it_is_delivered()
    rows = system.sql("select body from audit_events where target_id = %s order by id", letter.id)
    assert any("The ciphertext is whole." in body for (body,) in rows)
