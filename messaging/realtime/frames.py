"""What is said on a socket: every frame, in both directions.

A client's frame is one JSON object with a `type`. Unknown types, unknown fields, wrong types and
NUL characters are refused with an error frame that names the place; what is no JSON object ends
the connection.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from messaging.realtime import limits

NO_NUL = r"^[^\x00]*$"
Text = Annotated[str, Meta(max_length=200, pattern=NO_NUL)]
Token = Annotated[str, Meta(min_length=1, max_length=8_192, pattern=NO_NUL)]
Content = Annotated[str, Meta(min_length=1, max_length=10_000, pattern=NO_NUL)]
Seq = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Version = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Id = Annotated[str, Meta(max_length=64, pattern=NO_NUL)] | Seq


class ClientFrame(
    Struct, tag_field="type", rename="camel", forbid_unknown_fields=True, kw_only=True
):
    """Any frame of a client; an *id* comes back in the answer."""

    id: Id | None = None


class Hello(ClientFrame, tag="hello"):
    token: Token | None = None
    client: Text = ""
    content: Literal["open", "sealed"] = "open"
    resume: Annotated[dict[UUID, Seq], Meta(max_length=limits.CONVERSATIONS)] = {}


class Refresh(ClientFrame, tag="refresh"):
    token: Token


class Subscribe(ClientFrame, tag="subscribe"):
    conversation_id: UUID
    since: Seq | None = None


class Unsubscribe(ClientFrame, tag="unsubscribe"):
    conversation_id: UUID


class SendMessage(ClientFrame, tag="message.send"):
    conversation_id: UUID
    content: Content
    client_message_id: Annotated[str, Meta(min_length=1, max_length=200, pattern=NO_NUL)] | None = (
        None
    )
    encrypted: bool | None = None
    priority: Literal["LOW", "NORMAL", "HIGH", "CRITICAL"] = "NORMAL"


class EditMessage(ClientFrame, tag="message.edit"):
    message_id: UUID
    version: Version
    content: Content


class DeleteMessage(ClientFrame, tag="message.delete"):
    message_id: UUID
    version: Version


class Delivered(ClientFrame, tag="delivered"):
    conversation_id: UUID
    seq: Seq


class Read(ClientFrame, tag="read"):
    conversation_id: UUID
    seq: Seq


class Typing(ClientFrame, tag="typing"):
    conversation_id: UUID
    on: bool


class SetPresence(ClientFrame, tag="presence.set"):
    status: Literal["online", "away"]


class Ping(ClientFrame, tag="ping"):
    pass


Frame = (
    Hello
    | Refresh
    | Subscribe
    | Unsubscribe
    | SendMessage
    | EditMessage
    | DeleteMessage
    | Delivered
    | Read
    | Typing
    | SetPresence
    | Ping
)


class ServerFrame(Struct, tag_field="type", rename="camel"):
    """Any frame of ours but `event` and `signal`, which are made with the event log."""


class Welcome(ServerFrame, tag="welcome"):
    id: Id | None
    session_id: UUID
    user_id: UUID
    heartbeat: float
    expires_at: datetime
    limits: dict[str, int]
    heads: dict[UUID, int]


class Ack(ServerFrame, tag="ack"):
    id: Id | None
    result: dict[str, Any]


class Error(ServerFrame, tag="error", omit_defaults=True):
    code: str
    title: str
    retryable: bool
    id: Id | None = None
    detail: str = ""
    pointer: str | None = None
    conversation_id: UUID | None = None
    retry_after: int | None = None


class Reset(ServerFrame, tag="reset"):
    conversation_id: UUID
    seq: int


class Heartbeat(ServerFrame, tag="ping"):
    heads: dict[UUID, int]


class Pong(ServerFrame, tag="pong"):
    id: Id | None


class NotAFrame(ValueError):
    """No JSON object at all: the sender speaks something else."""


class Refused(ValueError):
    """A JSON object that is not a frame; *id* is the sender's, if it could be read."""

    def __init__(self, detail: str, id: Id | None) -> None:
        super().__init__(detail)
        self.id = id


class _Named(Struct):
    id: Id | None = None


_frames: msgspec.json.Decoder[Frame] = msgspec.json.Decoder(Frame)
_named = msgspec.json.Decoder(_Named)
_anything = msgspec.json.Decoder(dict[str, msgspec.Raw])


def parse(text: str) -> Frame:
    """The frame that *text* is; Refused or NotAFrame if it is none."""
    try:
        return _frames.decode(text)
    except msgspec.ValidationError as error:
        raise Refused(str(error)[:200], _id_of(text)) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise NotAFrame from None


def _id_of(text: str) -> Id | None:
    try:
        _anything.decode(text)  # a frame that is wrong at its start may be no JSON at its end
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise NotAFrame from None
    try:
        return _named.decode(text).id
    except msgspec.ValidationError:
        return None
