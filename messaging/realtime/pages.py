"""What sockets ask of the event log: hints and pages rendered in the forms that somebody wants.

The functions that begin with an underscore, and `look`, run in the threads of `threads.call`.
"""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from messaging import events, rendering
from messaging.errors import MessagingError
from messaging.events import Entry
from messaging.realtime import limits
from messaging.realtime.acks import Row
from messaging.realtime.dispatcher import News
from messaging.realtime.reader import Page
from messaging.realtime.rooms import Form, Rendered, Room
from messaging.realtime.threads import call
from messaging.realtime.wire import Wire
from messaging.services import accounts, receipts, streams
from messaging.services.receipts import Receipt


async def read_page(
    conversation_id: UUID, after: int, users: Collection[UUID], forms: Collection[Form], limit: int
) -> Page:
    """The next events after *after*, at most *limit*, and which of *users* were there when."""
    return await call(_read_page, conversation_id, after, users, forms, limit)


async def render(news: Sequence[News]) -> list[Rendered]:
    """*news* as events in the forms asked for; no thread is needed for what travelled along."""
    if all(each.hint.frame is not None and each.forms == {"sealed"} for each in news):
        return [_event(each, {"sealed": Wire(each.hint.frame)}) for each in news]
    return await call(_render, news)


async def store_acks(rows: list[Row]) -> None:
    """Store delivered marks."""
    await call(receipts.delivered_many, [Receipt(*row) for row in rows])


def look(
    conversation_ids: Collection[UUID], session_ids: Collection[UUID]
) -> tuple[dict[UUID, int], Mapping[UUID, MessagingError]]:
    """The heads of conversations, and which sessions have ended and why."""
    return events.heads(conversation_ids), accounts.revoked(session_ids)


def _read_page(
    conversation_id: UUID, after: int, users: Collection[UUID], forms: Collection[Form], limit: int
) -> Page:
    entries = events.read(conversation_id, after, limit=limit)
    rendered = [
        _read(entry, made) for entry, made in zip(entries, _frames(entries, forms), strict=True)
    ]
    stays = streams.stays(conversation_id, users)
    return Page(rendered, stays, full=len(entries) == limit)


def _frames(entries: Sequence[Entry], forms: Collection[Form]) -> list[dict[Form, Wire | None]]:
    """The frames of each entry in each of *forms*; all messages are opened together."""
    made: list[dict[Form, Wire | None]] = [{} for _ in entries]
    for form in forms if entries else ():
        for wires, frame in zip(made, events.frames(entries, form), strict=True):
            wires[form] = Wire(frame) if frame is not None else None
    return made


def _render(news: Sequence[News]) -> list[Rendered]:
    carried = [each for each in news if each.hint.frame is not None]
    opening = [each for each in carried if "open" in each.forms]
    frames = events.open_frames([each.hint for each in opening]) if opening else []
    opened = {id(each): Wire(frame) for each, frame in zip(opening, frames, strict=True)}
    looked_up = _look_up([each for each in news if each.hint.frame is None])
    rendered = []
    for each in news:
        if each.hint.frame is None:
            rendered.append(looked_up.get((each.room, each.seq)) or _event(each, {}))
            continue
        forms: dict[Form, Wire | None] = {}
        if "sealed" in each.forms:
            forms["sealed"] = Wire(each.hint.frame)
        if id(each) in opened:
            forms["open"] = opened[id(each)]
        rendered.append(_event(each, forms))
    return rendered


def _look_up(news: Sequence[News]) -> dict[tuple[Room, int], Rendered]:
    """The events of hints that carry no frame, in one reading per conversation."""
    found = {}
    for room in {each.room for each in news}:
        seqs = [each.seq for each in news if each.room is room]
        forms = frozenset[Form]().union(*(each.forms for each in news if each.room is room))
        entries = events.read(
            room.conversation_id, min(seqs) - 1, upto=max(seqs), limit=limits.PAGE
        )
        for entry, wires in zip(entries, _frames(entries, forms), strict=True):
            found[room, entry.seq] = _read(entry, wires)
    return found


def _event(news: News, forms: dict[Form, Wire | None]) -> Rendered:
    hint = news.hint
    bare = Wire(rendering.bare(hint.frame)) if hint.frame and hint.about is not None else None
    person = _person(hint.person)
    return Rendered(news.seq, hint.event, person, forms, about=hint.about, bare=bare)


def _read(entry: Entry, forms: dict[Form, Wire | None]) -> Rendered:
    about = entry.about
    bare = None if about is None else Wire(rendering.bare(rendering.frame_of(entry)))
    person = _person(entry.data.get("userId"))
    return Rendered(entry.seq, entry.type, person, forms, about=about, bare=bare)


def _person(text: str | None) -> UUID | None:
    return UUID(text) if text else None
