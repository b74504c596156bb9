"""The first frame of a socket: who it is, what they are in, and where they left off."""

import asyncio
from dataclasses import dataclass
from urllib.parse import parse_qs
from uuid import UUID

from messaging.errors import QuotaExceeded, Unauthenticated
from messaging.realtime import limits
from messaging.realtime.frames import Hello, Reset, Welcome
from messaging.realtime.hub import Hub
from messaging.realtime.outbox import Outbox
from messaging.realtime.refusals import error_frame, known
from messaging.realtime.rooms import Connection
from messaging.realtime.threads import call
from messaging.realtime.wire import Wire
from messaging.services import accounts, conversations
from messaging.services.accounts import Identity
from messaging.services.conversations import Membership

LIMITS = {
    "frameBytes": limits.FRAME,
    "framesPerSecond": int(limits.FRAMES_PER_SECOND),
    "sockets": limits.SOCKETS,
    "conversations": limits.CONVERSATIONS,
    "replay": limits.REPLAY,
}


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the opening of a socket brought along; a token may also come in the hello."""

    ticket: str = ""
    bearer: str = ""

    @classmethod
    def of(cls, query: bytes, headers: list[tuple[bytes, bytes]]) -> "Credentials":
        """Those in the query and in the Authorization header."""
        ticket = parse_qs(query.decode("latin-1")).get("ticket", [""])[0]
        for name, value in headers:
            scheme, _, token = value.decode("latin-1").partition(" ")
            if name == b"authorization" and scheme.lower() == "bearer":
                return cls(ticket, token.strip())
        return cls(ticket)


async def greet(
    hub: Hub, channel: str, outbox: Outbox, credentials: Credentials, hello: Hello
) -> Connection:
    """Welcome whoever says *hello* and resume what they name. Raises what keeps them out."""
    identity, memberships = await call(enter, credentials, hello.token)
    if len(hub.people.get(identity.user.pk, ())) >= limits.SOCKETS:
        raise QuotaExceeded(f"At most {limits.SOCKETS} sockets.")
    connection = Connection(channel=channel, outbox=outbox, identity=identity, form=hello.content)
    await hub.enter(connection)
    outbox.write(
        Wire(
            Welcome(
                id=hello.id,
                session_id=identity.session_id,
                user_id=identity.user.pk,
                heartbeat=limits.HEARTBEAT,
                expires_at=identity.expires_at,
                limits=LIMITS,
                heads={each.conversation_id: each.head_seq for each in memberships},
            )
        )
    )
    await asyncio.gather(
        *(resume(hub, connection, key, since) for key, since in hello.resume.items())
    )
    return connection


def enter(credentials: Credentials, token: str | None) -> tuple[Identity, list[Membership]]:
    """Who it is, by the first of ticket, header and *token* that there is, and what they are in."""
    if credentials.ticket:
        identity = accounts.redeem_ticket(credentials.ticket)
    elif given := credentials.bearer or token:
        identity = accounts.authenticate(given)
    else:
        raise Unauthenticated
    return identity, conversations.memberships(identity.user)


async def resume(hub: Hub, connection: Connection, conversation_id: UUID, since: int) -> None:
    """Follow a conversation on from *since*, or say why that cannot be."""
    try:
        subscription, reset = await hub.follow(connection, conversation_id, since)
    except Exception as error:
        frame = error_frame(known(error), conversation_id=conversation_id)
        connection.outbox.write(Wire(frame))
        return
    if reset:
        position = subscription.cursor.position or 0
        connection.outbox.write(Wire(Reset(conversation_id, position)))
    hub.catch_up(subscription)
