"""A conversation's page in the admin: a new key for a reason, by who may, and told to its members."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client, override_settings

from crypto_core.models import ConversationKey, KeyState
from messaging import events
from messaging.models import AuditEvent, Conversation, Message, Tenant, User
from messaging.services import conversations
from messaging.services.sending import Draft, send_group
from queueing.testing import work_all

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def group(alice: User, bob: User) -> Conversation:
    """A conversation of the clinic's that has a key."""
    answer = conversations.start(creator=alice, participant_ids=[bob.pk])
    found = Conversation.objects.get(pk=answer.body["id"])
    say(alice, found)
    return found


@pytest.fixture
def officer(clinic: Tenant) -> User:
    """Staff of the clinic who may look at conversations and give them keys."""
    user = User.objects.create_user("officer", tenant=clinic, is_staff=True)
    names = ("view_conversation", "rotate_key")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    return user


def say(sender: User, group: Conversation) -> Message:
    answer = send_group(
        sender=sender, conversation_id=group.pk, draft=Draft(content="Hello", encrypted=True)
    )
    work_all()
    return Message.objects.get(pk=answer.body["message"]["id"])


def page(group: Conversation) -> str:
    return f"/admin/messaging/conversation/{group.pk}/"


def browser(user: User) -> Client:
    made = Client()
    made.force_login(user)
    return made


@pytest.mark.req("S63")
def test_an_officer_gives_a_conversation_a_new_key_and_says_why(
    alice: User, group: Conversation, officer: User
) -> None:
    before = say(alice, group)
    theirs = browser(officer)

    assert "rotate-key" in theirs.get(f"{page(group)}change/").content.decode()
    answer = theirs.post(f"{page(group)}rotate-key/", {"reason": "A laptop was lost."})

    after = say(alice, group)
    assert (answer.status_code, answer["Location"]) == (302, f"{page(group)}change/")
    assert after.key_id != before.key_id
    event = AuditEvent.objects.get(action="conversation.key-rotated")
    body = json.loads(event.body)
    assert (event.actor_id, body["reason"]) == (officer.pk, "A laptop was lost.")
    assert body["key"] == after.key_id


def test_without_a_reason_nothing_happens(group: Conversation, officer: User) -> None:
    theirs = browser(officer)

    for answer in (
        theirs.get(f"{page(group)}rotate-key/"),
        theirs.post(f"{page(group)}rotate-key/", {"reason": " "}),
    ):
        assert answer.status_code == 200
    assert ConversationKey.objects.filter(purpose="content").count() == 1


def test_who_may_only_look_is_offered_nothing(group: Conversation, officer: User) -> None:
    officer.user_permissions.remove(Permission.objects.get(codename="rotate_key"))
    theirs = browser(officer)

    assert "rotate-key" not in theirs.get(f"{page(group)}change/").content.decode()
    answer = theirs.post(f"{page(group)}rotate-key/", {"reason": "I want to."})
    assert answer.status_code == 403


def test_an_officer_of_another_tenant_finds_nothing(
    group: Conversation, officer: User, other_clinic: Tenant
) -> None:
    User.objects.filter(pk=officer.pk).update(tenant=other_clinic)

    answer = browser(officer).post(f"{page(group)}rotate-key/", {"reason": "I want to."})

    assert answer.status_code == 404
    assert not AuditEvent.objects.filter(action="conversation.key-rotated").exists()


def test_while_encryption_is_off_the_officer_is_told(group: Conversation, officer: User) -> None:
    with override_settings(ENCRYPTION_ENABLED=False):
        answer = browser(officer).post(f"{page(group)}rotate-key/", {"reason": "A test."})

    assert answer.status_code == 200
    assert "Cannot encrypt now" in answer.content.decode()
    assert ConversationKey.objects.get(purpose="content").state == KeyState.ACTIVE


def test_members_are_told_of_a_new_key_without_a_place_in_the_log(
    group: Conversation, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(events, "publish", told.extend)
    head = Conversation.objects.get(pk=group.pk).head_seq

    browser(officer).post(f"{page(group)}rotate-key/", {"reason": "A test."})

    kid = ConversationKey.objects.get(purpose="content", state=KeyState.ACTIVE).pk
    [hint] = told
    assert (hint.seq, hint.conversation_id) == (None, str(group.pk))
    assert hint.frame == {
        "type": "signal",
        "event": "session_key.rotated",
        "conversationId": str(group.pk),
        "data": {"keyId": kid},
    }
    assert Conversation.objects.get(pk=group.pk).head_seq == head
