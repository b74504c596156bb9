"""Sending to many people one by one: to each a message of their own, accepted as any other is.

What `sending` does for one is done here for a chunk with a few statements: the same checks, sealing,
jobs, audit rows and events, in one transaction.
"""

from collections.abc import Collection, Mapping
from uuid import UUID

from django.db import transaction

from messaging import appends, audit
from messaging.appends import NewEvent
from messaging.errors import EncryptionUnavailable, MessagingError, NotFound
from messaging.models import Conversation, Event, Message, Participant, User
from messaging.services.sending import Draft, Place, draft_row, entry_of, steps_of
from messaging.workflow import MESSAGE
from queueing.ids import uuid7
from queueing.jobs import NewJob
from queueing.postgres import fetch
from queueing.workflow import Run

START = """
    INSERT INTO conversations (id, tenant_id, kind, protection, direct_key, head_seq,
        members_version, participant_count, title_key_id, created_by, created_at, hold)
    SELECT g.id, %(tenant)s::uuid, 'direct', 'managed', g.key, 0, 1, 2, '', %(creator)s::uuid,
        now(), false
    FROM unnest(%(ids)s::uuid[], %(keys)s::text[]) AS g(id, key) ORDER BY g.key
    ON CONFLICT (direct_key) DO NOTHING RETURNING id, direct_key"""

Outcome = UUID | MessagingError  # the message's id, or why there is none


@transaction.atomic
def send_to_each(
    *, sender: User, drafts: Mapping[UUID, Draft], batch_id: UUID | None = None
) -> dict[UUID, Outcome]:
    """Accept each of *drafts*, given by recipient; what came of it, for each of them.

    One recipient who is unknown, or a text that does not fit, harms no other. Raises
    EncryptionUnavailable, after which nothing is stored.
    """
    places = _places(sender, drafts)
    outcomes: dict[UUID, Outcome] = dict.fromkeys(drafts, NotFound())
    rows: dict[UUID, Message] = {}
    for person, place in places.items():
        try:
            rows[person] = draft_row(sender, place, drafts[person])
            rows[person].batch_id = batch_id
        except EncryptionUnavailable:
            raise
        except MessagingError as refusal:
            outcomes[person] = refusal
    held = _hold(sender, {person: places[person] for person in rows})
    accepted = {person: row for person, row in rows.items() if person in held}
    _store(accepted, places, drafts)
    return outcomes | {person: row.pk for person, row in accepted.items()}


def _store(
    rows: Mapping[UUID, Message], places: Mapping[UUID, Place], drafts: Mapping[UUID, Draft]
) -> None:
    """Write *rows* with their jobs, audit lines and events."""
    MESSAGE.start_many([_run(row, places[person], drafts[person]) for person, row in rows.items()])
    audit.record_many([entry_of(row, drafts[person]) for person, row in rows.items()])
    seqs = appends.append_many([_created(row) for row in rows.values()])
    for row in rows.values():
        row.seq = seqs[row.pk]
    Message.objects.bulk_create(rows.values())


def _run(row: Message, place: Place, draft: Draft) -> Run:
    ids = {"messageId": str(row.pk), "conversationId": str(row.conversation_id)}
    new = NewJob(
        tenant_id=row.tenant_id,
        args=ids,
        owner_id=row.sender_id,
        priority=row.priority,
        weight=place.members,
        traceparent=row.traceparent,
    )
    return Run(row.pk, steps_of(row, draft), new)


def _created(row: Message) -> NewEvent:
    created = Event.Type.MESSAGE_CREATED
    return NewEvent(row.tenant_id, row.conversation_id, row.pk, row.sender_id, created)


def _hold(sender: User, places: Mapping[UUID, Place]) -> set[UUID]:
    """Lock the conversations until the commit; for whom the sender still belongs to theirs."""
    versions = appends.lock({place.conversation_id for place in places.values()})
    held = {
        p
        for p, place in places.items()
        if versions.get(place.conversation_id) == place.members_version
    }
    changed = {places[person].conversation_id: person for person in places.keys() - held}
    if changed:  # somebody came or left since the check
        held |= {changed[place.conversation_id] for place in _seen(sender, changed)}
    return held


def _places(sender: User, people: Collection[UUID]) -> dict[UUID, Place]:
    """The conversation of *sender* with each of *people* who is an active user of the tenant."""
    known = User.objects.filter(pk__in=people, tenant_id=sender.tenant_id, is_active=True)
    keys = {
        ":".join(sorted((str(sender.pk), str(pk)))): pk
        for pk in known.exclude(pk=sender.pk).values_list("pk", flat=True)
    }
    found = _existing(keys)
    if missing := sorted(keys.keys() - found.keys()):
        found |= _start(sender, {key: keys[key] for key in missing})
    if len(found) < len(keys):  # others were quicker
        found = _existing(keys)
    people_of = {pk: keys[key] for key, pk in found.items()}
    return {people_of[place.conversation_id]: place for place in _seen(sender, people_of)}


def _existing(keys: Collection[str]) -> dict[str, UUID]:
    rows = Conversation.objects.filter(direct_key__in=keys).values_list("direct_key", "pk")
    return {key: pk for key, pk in rows if key}


def _start(sender: User, people: Mapping[str, UUID]) -> dict[str, UUID]:
    """Start a direct conversation for each key that has none."""
    values = {
        "tenant": sender.tenant_id,
        "creator": sender.pk,
        "ids": [uuid7() for _ in people],
        "keys": list(people),
    }
    made = {key: id_ for id_, key in fetch(START, values)}
    Participant.objects.bulk_create(
        Participant(tenant_id=sender.tenant_id, conversation_id=id_, user_id=person)
        for key, id_ in made.items()
        for person in (sender.pk, people[key])
    )
    audit.record_many([_started(sender, id_) for id_ in made.values()])
    return made


def _started(sender: User, conversation_id: UUID) -> audit.Entry:
    return audit.Entry(
        tenant_id=sender.tenant_id,
        actor_id=sender.pk,
        action="conversation.started",
        target_type="conversation",
        target_id=conversation_id,
        facts={"members": 2},
    )


def _seen(sender: User, conversation_ids: Collection[UUID]) -> list[Place]:
    """Those of the conversations in which *sender* is now."""
    stays = Participant.objects.present().filter(
        conversation_id__in=conversation_ids, user_id=sender.pk, conversation__deleted_at=None
    )
    columns = stays.values_list(
        "conversation_id",
        "conversation__protection",
        "conversation__members_version",
        "conversation__participant_count",
    )
    return [Place(*row) for row in columns]
