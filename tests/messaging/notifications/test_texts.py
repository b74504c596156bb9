"""What notifications say: versions, tenants and defaults, and nothing that is content."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client as Browser

from messaging.models import AuditEvent, NotificationTemplate, Tenant, User
from messaging.notifications import texts
from messaging.services import templates


def save(actor: User, tenant: Tenant | None, body: str, **fields: str) -> NotificationTemplate:
    defaults = {"channel": "push", "type": "message", "subject": ""} | fields
    return templates.save_version(
        actor=actor, tenant_id=tenant.pk if tenant else None, body=body, **defaults
    )


def said(tenant: Tenant, sender: str = "", channel: str = "push") -> tuple[str, str]:
    return texts.template(tenant.pk, channel).render(sender=sender, unread=3)


def test_without_a_template_there_is_a_text_that_says_nothing(clinic: Tenant) -> None:
    assert said(clinic) == ("New message", "You have a new message.")
    assert said(clinic, "Dr. Weiss")[1] == "You have a new message from Dr. Weiss."


@pytest.mark.req("S93")
def test_the_newest_version_holds_and_a_tenants_before_the_default(
    clinic: Tenant, other_clinic: Tenant, operator: User
) -> None:
    save(operator, None, "{app}: {count} new.", subject="{app}")
    first = save(operator, clinic, "Hello.")
    second = save(operator, clinic, "{sender} wrote: {link}")

    assert (first.version, second.version) == (1, 2)
    assert said(clinic)[1] == "Waxwing wrote: http://127.0.0.1:8000"
    assert said(other_clinic) == ("Waxwing", "Waxwing: 3 new.")
    assert said(clinic, channel="sms")[1] == "You have a new message."
    assert NotificationTemplate.objects.filter(tenant=clinic).count() == 2
    assert AuditEvent.objects.filter(action="template.saved").count() == 3


def test_an_empty_text_gives_way_to_the_default(clinic: Tenant, operator: User) -> None:
    save(operator, clinic, "Ours.")
    save(operator, clinic, "")

    assert texts.template(clinic.pk, "push").source == "built-in"


@pytest.mark.parametrize(
    "body",
    [
        "{content}",
        "{message}",
        "{sender.password}",
        "{sender!r}",
        "{count:>900}",
        "{0}",
        "{}",
        "{",
        "x" * 1001,
    ],
)
def test_a_text_that_names_anything_else_is_refused(
    clinic: Tenant, operator: User, body: str
) -> None:
    with pytest.raises(ValidationError):
        save(operator, clinic, body)
    with pytest.raises(ValidationError):
        NotificationTemplate(tenant=clinic, channel="sms", version=1, body=body).save()

    assert not NotificationTemplate.objects.exists()


@pytest.mark.parametrize("subject", ["{content}", "a\nBcc: eve@example", "x" * 201])
def test_a_subject_is_one_line_of_the_same_names(
    clinic: Tenant, operator: User, subject: str
) -> None:
    with pytest.raises(ValidationError):
        save(operator, clinic, "Hello.", subject=subject)


def test_a_name_can_neither_break_a_header_nor_be_a_template(
    clinic: Tenant, operator: User
) -> None:
    save(operator, clinic, "From {sender}.", subject="{sender}")

    title, text = said(clinic, "Eve\r\nBcc: all@example {link}" + "x" * 300)

    assert title.startswith("Eve Bcc: all@example {link}xxx") and len(title) == 200
    assert "\n" not in text


def test_braces_can_be_written(clinic: Tenant, operator: User) -> None:
    save(operator, clinic, "{{{app}}}")

    assert said(clinic)[1] == "{Waxwing}"


@pytest.fixture
def browser(operator: User) -> Browser:
    """The admin, as its operator sees it."""
    operator.is_superuser = True
    operator.save()
    browser = Browser()
    browser.force_login(operator)
    return browser


PAGE = "/admin/messaging/notificationtemplate/"


def form(**fields: Any) -> dict[str, Any]:
    return {"channel": "push", "type": "message", "subject": "", "body": "", "tenant": ""} | fields


@pytest.mark.req("S93")
def test_the_admin_writes_a_new_version_and_shows_how_it_reads(
    browser: Browser, clinic: Tenant
) -> None:
    browser.post(f"{PAGE}add/", form(body="{sender} wrote.", tenant=clinic.pk))
    first = NotificationTemplate.objects.get()

    page = browser.get(f"{PAGE}{first.pk}/change/")
    browser.post(f"{PAGE}{first.pk}/change/", form(body="{count} new."))

    assert b"Dr. Weiss wrote." in page.content
    versions = NotificationTemplate.objects.order_by("version").values_list("version", "body")
    assert list(versions) == [(1, "{sender} wrote."), (2, "{count} new.")]
    assert {row.tenant_id for row in NotificationTemplate.objects.all()} == {clinic.pk}


def test_the_admin_says_what_a_text_may_name(browser: Browser) -> None:
    page = browser.post(f"{PAGE}add/", form(body="{content}"))

    assert b"{sender}, {count}, {link}, {app} and nothing else" in page.content
    assert not NotificationTemplate.objects.exists()


def test_staff_of_a_tenant_write_only_its_own_texts(
    clinic: Tenant, other_clinic: Tenant, alice: User, operator: User
) -> None:
    save(operator, other_clinic, "Theirs.")
    alice.is_staff = alice.is_superuser = True
    alice.save()
    browser = Browser()
    browser.force_login(alice)

    assert b"Theirs." not in browser.get(PAGE).content
    for tenant in ("", other_clinic.pk):
        browser.post(f"{PAGE}add/", form(body="Mine.", tenant=tenant))
    assert NotificationTemplate.objects.filter(body="Mine.").count() == 0
    browser.post(f"{PAGE}add/", form(body="Mine.", tenant=clinic.pk))
    assert NotificationTemplate.objects.get(body="Mine.").tenant_id == clinic.pk
