"""Conversations: starting one, who belongs to it, and what its members see of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from messaging import audit, encryption, events, personal
from messaging.errors import Conflict, Forbidden, Invalid, NotFound
from messaging.events import Hint
from messaging.models import Conversation, Event, Participant, User
from messaging.services import views
from messaging.services.idempotency import Answer, Key, claim
from queueing.ids import uuid7
from queueing.postgres import execute

MOST_PARTICIPANTS = 5_000

DIRECT = """
INSERT INTO conversations (id, tenant_id, kind, protection, direct_key, head_seq, members_version,
                           participant_count, title_key_id, created_by, created_at, hold)
VALUES (%(id)s, %(tenant)s, 'direct', 'managed', %(direct_key)s, 0, 1, 2, '', %(creator)s, now(), false)
ON CONFLICT (direct_key) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Membership:
    """A conversation that somebody is in now: events from *joined_seq* to *head_seq* are theirs."""

    conversation_id: UUID
    joined_seq: int
    head_seq: int


@transaction.atomic
def start(
    *, creator: User, participant_ids: Sequence[UUID], title: str = "", key: Key | None = None
) -> Answer:
    """Start a group of *creator* and the others. Raises Invalid for people who are not of the tenant."""
    others = set(participant_ids) - {creator.pk}
    if not 1 <= len(others) < MOST_PARTICIPANTS:
        raise Invalid(f"1 to {MOST_PARTICIPANTS - 1} other people.", pointer="/participantIds")
    people = list(User.objects.filter(pk__in=others, tenant_id=creator.tenant_id, is_active=True))
    if len(people) != len(others):
        raise Invalid("Not everybody is known here.", pointer="/participantIds")
    conversation = Conversation(
        tenant_id=creator.tenant_id,
        kind=Conversation.Kind.GROUP,
        participant_count=len(people) + 1,
        created_by=creator.pk,
    )
    if title:
        conversation.sealed_title, conversation.title_key_id = encryption.seal_title(
            creator.tenant_id, conversation.pk, title
        )
    conversation.save(force_insert=True)
    stays = [_stay(conversation, creator, Participant.Role.OWNER)]
    stays += [_stay(conversation, person, Participant.Role.MEMBER) for person in people]
    Participant.objects.bulk_create(stays)
    answer = Answer(201, views.conversation(conversation, stays, creator.pk))
    if key and (replay := claim(creator, key, answer)):
        transaction.set_rollback(True)  # what this call has made is not wanted
        return replay
    _record(creator, conversation.pk, "conversation.started", members=len(stays))
    _tell_added(conversation.pk, [stay.user_id for stay in stays])
    return answer


def direct(creator: User, recipient_id: UUID) -> UUID:
    """The conversation of two people, made at the first message; in the caller's transaction.

    Two who write to each other at once get the same one. Raises NotFound for somebody who is not an
    active user of the creator's tenant, and Invalid for the creator.
    """
    if recipient_id == creator.pk:
        raise Invalid("Nobody writes to themselves.", pointer="/recipientId")
    direct_key = ":".join(sorted((str(creator.pk), str(recipient_id))))
    found = Conversation.objects.filter(direct_key=direct_key).values_list("pk", flat=True).first()
    if found:
        return found
    recipient = User.objects.filter(
        pk=recipient_id, tenant_id=creator.tenant_id, is_active=True
    ).first()
    if recipient is None:
        raise NotFound("No such recipient.")
    return _make_direct(creator, recipient, direct_key)


@transaction.atomic
def add_participant(
    *,
    actor: User,
    conversation_id: UUID,
    user_id: UUID,
    role: str = "member",
    history: bool = False,
) -> None:
    """Let *user_id* take part from now on, or from the beginning where *history* is asked for.

    Raises NotFound for a conversation or a person that *actor* cannot see, Forbidden for who does not
    own the group, Conflict for a direct conversation or somebody who is in it already.
    """
    conversation = _locked(actor, conversation_id, owner=True)
    person = User.objects.filter(pk=user_id, tenant_id=actor.tenant_id, is_active=True).first()
    if person is None:
        raise NotFound("No such person.")
    if Participant.objects.present().filter(conversation=conversation, user=person).exists():
        raise Conflict("Already a member.")
    seq = _change(conversation, actor, person.pk, Event.Type.PARTICIPANT_ADDED, by=1)
    Participant.objects.create(
        tenant_id=actor.tenant_id,
        conversation=conversation,
        user=person,
        role=Participant.Role(role),
        joined_seq=0 if history else seq,
    )
    if not history:  # a key that they may have opens nothing from before
        encryption.rotate(actor.tenant_id, conversation.pk, "member-added")
    _tell_added(conversation.pk, [person.pk])
    _record(actor, conversation.pk, "participant.added", user=person.pk, history=history)


@transaction.atomic
def remove_participant(*, actor: User, conversation_id: UUID, user_id: UUID) -> None:
    """End somebody's part in a group, or one's own; the next message is sealed under a new key.

    Raises NotFound, Forbidden and Conflict as add_participant does.
    """
    conversation = _locked(actor, conversation_id, owner=user_id != actor.pk)
    stay = Participant.objects.present().filter(conversation=conversation, user_id=user_id).first()
    if stay is None:
        raise NotFound("No such member.")
    seq = _change(conversation, actor, user_id, Event.Type.PARTICIPANT_REMOVED, by=-1)
    stay.left_seq = seq + 1  # the news of it is the last thing that they see
    stay.save(update_fields=["left_seq"])
    encryption.rotate(actor.tenant_id, conversation.pk, "member-removed")
    _record(actor, conversation.pk, "participant.removed", user=user_id)


def get(user: User, conversation_id: UUID) -> dict[str, Any]:
    """One conversation of *user*'s. Raises NotFound."""
    conversation = Conversation.objects.of(user).filter(pk=conversation_id).first()
    if conversation is None:
        raise NotFound
    stays = Participant.objects.present().filter(conversation=conversation).select_related("user")
    return views.conversation(conversation, list(stays), user.pk)


def list_of(user: User, *, limit: int, before: UUID | None = None) -> list[dict[str, Any]]:
    """The conversations of *user*, the youngest first, at most *limit*, older than *before*."""
    rows = Conversation.objects.of(user).order_by("-pk")
    if before:
        rows = rows.filter(pk__lt=before)
    found = list(rows[:limit])
    stays: dict[UUID, list[Participant]] = {row.pk: [] for row in found}
    present = Participant.objects.present().filter(conversation__in=found).select_related("user")
    for stay in present:
        stays[stay.conversation_id].append(stay)
    return [views.conversation(row, stays[row.pk], user.pk) for row in found]


def memberships(user: User) -> list[Membership]:
    """Every conversation that *user* is in now, with where it stands."""
    rows = Participant.objects.present().filter(
        user_id=user.pk, tenant_id=user.tenant_id, conversation__deleted_at=None
    )
    columns = rows.values_list("conversation_id", "joined_seq", "conversation__head_seq")
    return [Membership(*row) for row in columns]


def membership(user: User, conversation_id: UUID) -> Membership:
    """Where *user* stands in a conversation. Raises NotFound for who is not in it now."""
    rows = Participant.objects.present().filter(
        user_id=user.pk,
        tenant_id=user.tenant_id,
        conversation_id=conversation_id,
        conversation__deleted_at=None,
    )
    found = rows.values_list("conversation_id", "joined_seq", "conversation__head_seq").first()
    if found is None:
        raise NotFound
    return Membership(*found)


@transaction.atomic
def open_stream(user: User, conversation_id: UUID) -> Membership:
    """Let a socket of *user*'s follow a conversation; audited, since it will read what is there."""
    found = membership(user, conversation_id)
    _record(user, conversation_id, "conversation.followed", head=found.head_seq)
    return found


def _make_direct(creator: User, recipient: User, direct_key: str) -> UUID:
    pk = uuid7()
    values = {
        "id": pk,
        "tenant": creator.tenant_id,
        "direct_key": direct_key,
        "creator": creator.pk,
    }
    if not execute(DIRECT, values):  # the other one was quicker
        return Conversation.objects.values_list("pk", flat=True).get(direct_key=direct_key)
    conversation = Conversation(pk=pk, tenant_id=creator.tenant_id)
    Participant.objects.bulk_create(
        _stay(conversation, person, Participant.Role.MEMBER) for person in (creator, recipient)
    )
    _record(creator, pk, "conversation.started", members=2)
    _tell_added(pk, [creator.pk, recipient.pk])
    return pk


def _tell_added(conversation_id: UUID, people: Sequence[UUID]) -> None:
    """Let the sockets of *people* learn of a conversation that they can follow from now on."""
    signals = [
        personal.Signal(person=person, event="conversation.added", conversation_id=conversation_id)
        for person in people
    ]
    transaction.on_commit(partial(personal.tell, signals))


def _stay(conversation: Conversation, person: User, role: Participant.Role) -> Participant:
    return Participant(
        tenant_id=conversation.tenant_id, conversation=conversation, user=person, role=role
    )


def _locked(actor: User, conversation_id: UUID, *, owner: bool) -> Conversation:
    """The group with its row locked, after the actor's right to change it was checked."""
    conversation = (
        Conversation.objects.filter(pk=conversation_id, tenant_id=actor.tenant_id, deleted_at=None)
        .select_for_update(no_key=True)
        .first()
    )
    mine = Participant.objects.present().filter(conversation_id=conversation_id, user=actor)
    stay = mine.first()
    if conversation is None or stay is None:
        raise NotFound
    if conversation.kind == Conversation.Kind.DIRECT:
        raise Conflict("A direct conversation is of its two people.")
    if owner and stay.role != Participant.Role.OWNER:
        raise Forbidden("Only an owner may do this.")
    return conversation


def _change(
    conversation: Conversation, actor: User, person: UUID, type: Event.Type, *, by: int
) -> int:
    """Write the event of a change of membership, void the versions read before, tell the sockets."""
    Conversation.objects.filter(pk=conversation.pk).update(
        members_version=F("members_version") + 1,
        participant_count=F("participant_count") + by,
    )
    seq = events.append(
        tenant_id=conversation.tenant_id,
        conversation_id=conversation.pk,
        type=type,
        actor_id=actor.pk,
        data={"userId": str(person)},
    )
    assert seq is not None  # the row is locked, and no version was asked for
    hint = Hint(
        str(conversation.tenant_id), str(conversation.pk), seq, type.value, person=str(person)
    )
    transaction.on_commit(partial(events.publish, [hint]))
    return seq


def _record(actor: User, conversation_id: UUID, action: str, **facts: object) -> None:
    audit.record(
        tenant_id=actor.tenant_id,
        actor_id=actor.pk,
        action=action,
        target_type="conversation",
        target_id=conversation_id,
        **facts,
    )
