"""What a welcomed client can say: each frame calls one service or the hub, and is answered.

What is not the caller's is not found, whatever it is; nobody learns whether it exists.
"""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from messaging import events
from messaging.errors import Conflict, Forbidden, Invalid, NotFound, QuotaExceeded
from messaging.events import Hint
from messaging.models import Priority, User
from messaging.realtime import limits
from messaging.realtime.frames import (
    Ack,
    ClientFrame,
    DeleteMessage,
    Delivered,
    EditMessage,
    Hello,
    Ping,
    Pong,
    Read,
    Refresh,
    SendMessage,
    SetPresence,
    Subscribe,
    Typing,
    Unsubscribe,
)
from messaging.realtime.hub import Hub
from messaging.realtime.refusals import error_frame, known, refuse
from messaging.realtime.rooms import Connection
from messaging.realtime.threads import call
from messaging.realtime.wire import Wire
from messaging.services import accounts, changing, quotas, receipts, sending
from messaging.services.idempotency import Answer
from messaging.services.sending import Draft


async def obey(hub: Hub, connection: Connection, frame: ClientFrame) -> None:
    """Do what *frame* says; what goes wrong is told and ends nothing."""
    try:
        await COMMANDS[type(frame)](hub, connection, frame)
    except Exception as error:
        connection.outbox.write(Wire(error_frame(known(error), frame.id)))


def answer(connection: Connection, frame: ClientFrame, **result: Any) -> None:
    connection.outbox.write(Wire(Ack(frame.id, result)))


async def greet_again(hub: Hub, connection: Connection, frame: Hello) -> None:
    raise Conflict("This socket has been welcomed.")


async def refresh(hub: Hub, connection: Connection, frame: Refresh) -> None:
    identity = await call(accounts.authenticate, frame.token)
    if identity.user.pk != connection.user_id:
        refuse(connection.outbox, Forbidden("A socket stays its user's."), frame.id)
        return
    connection.identity = identity
    answer(connection, frame, expiresAt=identity.expires_at)


async def subscribe(hub: Hub, connection: Connection, frame: Subscribe) -> None:
    if len({*connection.subscriptions, frame.conversation_id}) > limits.CONVERSATIONS:
        raise QuotaExceeded(f"At most {limits.CONVERSATIONS} conversations.")
    subscription, reset = await hub.follow(connection, frame.conversation_id, frame.since)
    answer(
        connection,
        frame,
        seq=subscription.room.head,
        resumed=frame.since is not None and not reset,
        reset=reset,
    )
    hub.catch_up(subscription)


async def unsubscribe(hub: Hub, connection: Connection, frame: Unsubscribe) -> None:
    subscription = connection.subscriptions.get(frame.conversation_id)
    if subscription is None:
        raise NotFound
    subscription.room.leave(subscription)
    answer(connection, frame)


async def send_message(hub: Hub, connection: Connection, frame: SendMessage) -> None:
    draft = Draft(
        content=frame.content,
        encrypted=frame.encrypted,
        priority=Priority[frame.priority],
        client_message_id=frame.client_message_id,
    )
    accepted = await call(
        send_within_quota,
        sender=connection.identity.user,
        conversation_id=frame.conversation_id,
        draft=draft,
    )
    message, queue = accepted.body["message"], accepted.body["queue"]
    answer(connection, frame, messageId=message["id"], seq=message["seq"], jobs=queue["jobIds"])


def send_within_quota(*, sender: User, conversation_id: UUID, draft: Draft) -> Answer:
    """The answer to a send, which counts as one over HTTP does."""
    quotas.spend("sends", sender)
    return sending.send_group(sender=sender, conversation_id=conversation_id, draft=draft)


async def edit_message(hub: Hub, connection: Connection, frame: EditMessage) -> None:
    changed = await call(
        changing.edit_message,
        actor=connection.identity.user,
        message_id=frame.message_id,
        content=frame.content,
        versions={frame.version},
    )
    message, queue = changed["message"], changed["queue"]
    answer(
        connection,
        frame,
        messageId=message["id"],
        version=message["version"],
        jobs=queue["jobIds"],
    )


async def delete_message(hub: Hub, connection: Connection, frame: DeleteMessage) -> None:
    seq = await call(
        changing.delete_message,
        actor=connection.identity.user,
        message_id=frame.message_id,
        versions={frame.version},
    )
    answer(connection, frame, messageId=frame.message_id, seq=seq)


async def delivered(hub: Hub, connection: Connection, frame: Delivered) -> None:
    subscription = connection.subscriptions.get(frame.conversation_id)
    if subscription is None:
        raise NotFound
    if frame.seq > (subscription.cursor.position or 0):
        raise Invalid("Nothing of this number has been sent.", pointer="/seq")
    hub.acks.note(connection.user_id, frame.conversation_id, frame.seq)


async def read(hub: Hub, connection: Connection, frame: Read) -> None:
    await call(receipts.read, connection.identity.user, frame.conversation_id, frame.seq)
    answer(connection, frame)


async def typing(hub: Hub, connection: Connection, frame: Typing) -> None:
    if frame.conversation_id not in connection.subscriptions:
        raise NotFound
    _count(connection)
    event = "typing.started" if frame.on else "typing.stopped"
    signal = {
        "type": "signal",
        "event": event,
        "conversationId": str(frame.conversation_id),
        "data": {"userId": str(connection.user_id)},
    }
    hint = Hint(
        str(connection.identity.user.tenant_id),
        str(frame.conversation_id),
        None,
        event,
        person=str(connection.user_id),
        frame=signal,
    )
    await call(events.publish, [hint])


async def set_presence(hub: Hub, connection: Connection, frame: SetPresence) -> None:
    _count(connection)
    hub.presence.set(connection, frame.status)


def _count(connection: Connection) -> None:
    if not connection.chatter.allows():
        raise QuotaExceeded(f"At most {limits.SIGNALS_PER_SECOND:.0f} a second.")


async def ping(hub: Hub, connection: Connection, frame: Ping) -> None:
    connection.outbox.write(Wire(Pong(frame.id)))


Command = Callable[[Hub, Connection, Any], Awaitable[None]]

COMMANDS: dict[type[ClientFrame], Command] = {
    Hello: greet_again,
    Refresh: refresh,
    Subscribe: subscribe,
    Unsubscribe: unsubscribe,
    SendMessage: send_message,
    EditMessage: edit_message,
    DeleteMessage: delete_message,
    Delivered: delivered,
    Read: read,
    Typing: typing,
    SetPresence: set_presence,
    Ping: ping,
}
