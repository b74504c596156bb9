"""Things that happen in a conversation, with and without a hint."""

from uuid import UUID

from django.db import transaction

from messaging import events
from messaging.events import Hint
from messaging.models import Conversation, User
from messaging.services import sending
from messaging.services.sending import Draft
from queueing.testing import work_all


def happen(conversation_id: UUID, count: int = 1, *, hinted: bool = True, filler: str = "") -> int:
    """Let *count* events happen, each told to the sockets if *hinted*; the number of the last."""
    row = Conversation.objects.get(pk=conversation_id)
    seq = 0
    for _ in range(count):
        with transaction.atomic():
            seq = (
                events.append(
                    tenant_id=row.tenant_id,
                    conversation_id=conversation_id,
                    type="conversation.updated",
                    actor_id=None,
                    data={"filler": filler} if filler else {},
                )
                or 0
            )
        if hinted:
            events.publish([hint_of(row, seq)])
    return seq


def hint_of(row: Conversation, seq: int) -> Hint:
    return Hint(str(row.tenant_id), str(row.pk), seq, "conversation.updated")


def send(sender: User, conversation_id: UUID, content: str, *, encrypted: bool = True) -> str:
    """Send a message; its id."""
    draft = Draft(content=content, encrypted=encrypted)
    answer = sending.send_group(sender=sender, conversation_id=conversation_id, draft=draft)
    return str(answer.body["message"]["id"])


def deliver() -> None:
    """Run the workers until nothing is left to do."""
    work_all()
