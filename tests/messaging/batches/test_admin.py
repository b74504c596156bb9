"""Operators see how far a batch is, never what it says, and steer it with a reason."""

import pytest
from django.test import Client as Browser
from django.urls import reverse

from messaging.models import AuditEvent, User
from tests.messaging.batches.turns import TEXT, send, start

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def browser(operator: User) -> Browser:
    User.objects.filter(pk=operator.pk).update(is_superuser=True)
    made = Browser()
    made.force_login(operator)
    return made


def test_the_pages_show_progress_and_counts_and_no_text(
    browser: Browser, alice: User, bob: User, mallory: User
) -> None:
    row = start(alice, [bob, mallory])
    send()

    pages = [
        browser.get(reverse("admin:messaging_batch_changelist")).content.decode(),
        browser.get(reverse("admin:messaging_batch_change", args=[row.pk])).content.decode(),
    ]

    for page in pages:
        assert "<progress" in page and "1 / 1" in page and "marmalade" not in page
    assert str(row.job_id) in pages[1] and TEXT not in pages[1]
    people = reverse("admin:messaging_batchrecipient_changelist")
    listed = browser.get(f"{people}?batch__id__exact={row.pk}&status__exact=failed").content
    assert str(mallory.pk).encode() in listed and str(bob.pk).encode() not in listed


def test_an_operator_pauses_and_resumes_with_a_reason(
    browser: Browser, alice: User, bob: User, operator: User
) -> None:
    row = start(alice, [bob])
    page = browser.get(reverse("admin:messaging_batch_change", args=[row.pk])).content
    assert b"Pause" in page and b"Cancel" in page and b"Resume" not in page
    url = reverse("admin:messaging_batch_steer", args=[row.pk, "pause"])

    assert b"required" in browser.post(url, {}).content
    browser.post(url, {"reason": "too early"})
    row.refresh_from_db()
    assert row.state == "paused"
    assert b"The batch is paused" in browser.post(url, {"reason": "again"}, follow=True).content
    browser.post(url.replace("pause", "resume"), {"reason": "now"})

    row.refresh_from_db()
    assert row.state == "running"
    line = AuditEvent.objects.get(action="batch.pause")
    assert line.actor_id == operator.pk and "too early" in line.body


def test_mallory_steers_nothing(alice: User, bob: User, mallory: User) -> None:
    row = start(alice, [bob])
    made = Browser()
    User.objects.filter(pk=mallory.pk).update(is_staff=True)
    made.force_login(User.objects.get(pk=mallory.pk))
    url = reverse("admin:messaging_batch_steer", args=[row.pk, "cancel"])

    assert made.post(url, {"reason": "x"}).status_code == 403
    User.objects.filter(pk=mallory.pk).update(is_superuser=True)
    assert made.post(url, {"reason": "x"}).status_code == 404
    row.refresh_from_db()
    assert row.state == "running"
