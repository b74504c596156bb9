"""Who belongs to a conversation, and from when to when."""

import pytest

from messaging.errors import Conflict, Forbidden, Invalid, NotFound
from messaging.models import Conversation, Event, Participant, User
from messaging.services import conversations
from messaging.services.reading import list_messages
from messaging.services.sending import Draft, send_group

pytestmark = pytest.mark.django_db


@pytest.fixture
def group(alice: User, bob: User):
    answer = conversations.start(creator=alice, participant_ids=[bob.pk], title="Ward 7")
    return Conversation.objects.get(pk=answer.body["id"])


def say(sender: User, group: Conversation, text: str = "hello") -> None:
    send_group(sender=sender, conversation_id=group.pk, draft=Draft(content=text))


@pytest.mark.req("S76")
def test_a_group_is_owned_by_who_started_it_and_shows_its_title(
    alice: User, bob: User, group: Conversation
) -> None:
    view = conversations.get(bob, group.pk)

    assert view["title"] == "Ward 7"
    assert b"Ward 7" not in bytes(group.sealed_title)
    roles = {each["userId"]: each["role"] for each in view["participants"]}
    assert roles == {str(alice.pk): "owner", str(bob.pk): "member"}


def test_two_who_write_to_each_other_share_one_conversation(alice: User, bob: User) -> None:
    assert conversations.direct(alice, bob.pk) == conversations.direct(bob, alice.pk)
    assert Conversation.objects.get().participant_count == 2


def test_who_joins_sees_what_comes_and_nothing_from_before(
    alice: User, carol: User, group: Conversation
) -> None:
    say(alice, group, "before")
    conversations.add_participant(actor=alice, conversation_id=group.pk, user_id=carol.pk)
    say(alice, group, "after")

    assert [row["content"] for row in list_messages(carol, group.pk)] == ["after"]


def test_who_joins_with_history_sees_everything(
    alice: User, carol: User, group: Conversation
) -> None:
    say(alice, group, "before")
    conversations.add_participant(
        actor=alice, conversation_id=group.pk, user_id=carol.pk, history=True
    )

    assert [row["content"] for row in list_messages(carol, group.pk)] == ["before"]


def test_who_was_removed_can_neither_read_nor_send(
    alice: User, bob: User, group: Conversation
) -> None:
    say(alice, group)
    conversations.remove_participant(actor=alice, conversation_id=group.pk, user_id=bob.pk)

    with pytest.raises(NotFound):
        list_messages(bob, group.pk)
    with pytest.raises(NotFound):
        say(bob, group)


def test_a_change_of_membership_is_an_event_with_the_next_seq(
    alice: User, bob: User, carol: User, group: Conversation
) -> None:
    say(alice, group)
    conversations.add_participant(actor=alice, conversation_id=group.pk, user_id=carol.pk)
    conversations.remove_participant(actor=alice, conversation_id=group.pk, user_id=bob.pk)

    types = list(Event.objects.order_by("seq").values_list("seq", "type"))
    assert types == [(1, "message.created"), (2, "participant.added"), (3, "participant.removed")]
    assert Participant.objects.get(user=bob).left_seq == 4
    group.refresh_from_db()
    assert (group.members_version, group.participant_count) == (3, 2)


def test_somebody_may_come_back(alice: User, bob: User, group: Conversation) -> None:
    conversations.remove_participant(actor=bob, conversation_id=group.pk, user_id=bob.pk)
    conversations.add_participant(actor=alice, conversation_id=group.pk, user_id=bob.pk)

    say(bob, group)
    assert Participant.objects.filter(user=bob).count() == 2


def test_only_an_owner_changes_who_belongs(
    alice: User, bob: User, carol: User, group: Conversation
) -> None:
    with pytest.raises(Forbidden):
        conversations.add_participant(actor=bob, conversation_id=group.pk, user_id=carol.pk)
    with pytest.raises(Forbidden):
        conversations.remove_participant(actor=bob, conversation_id=group.pk, user_id=alice.pk)


def test_a_direct_conversation_stays_that_of_two(alice: User, bob: User, carol: User) -> None:
    pk = conversations.direct(alice, bob.pk)

    with pytest.raises(Conflict):
        conversations.add_participant(actor=alice, conversation_id=pk, user_id=carol.pk)


def test_people_of_another_tenant_cannot_be_invited(alice: User, mallory: User) -> None:
    with pytest.raises(Invalid):
        conversations.start(creator=alice, participant_ids=[mallory.pk])


@pytest.mark.req("D7")
def test_mallory_and_eve_find_nothing(
    alice: User, eve: User, mallory: User, group: Conversation
) -> None:
    for stranger in (eve, mallory):
        for call in (conversations.get, conversations.open_stream):
            with pytest.raises(NotFound):
                call(stranger, group.pk)
        with pytest.raises(NotFound):
            conversations.add_participant(
                actor=stranger, conversation_id=group.pk, user_id=stranger.pk
            )
        with pytest.raises(NotFound):
            conversations.remove_participant(
                actor=stranger, conversation_id=group.pk, user_id=alice.pk
            )
        assert conversations.list_of(stranger, limit=10) == []
