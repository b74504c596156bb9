"""Session keys for those who open messages themselves: released to a device, replaced on demand."""

from typing import Any
from uuid import UUID

from django.db import transaction

from messaging import audit, keystore
from messaging.errors import Forbidden, NotFound
from messaging.models import Conversation, Message, Participant, User
from messaging.services import attempts
from messaging.services.conversations import membership

MOST_RELEASES, MOST_ROTATIONS = 600, 20  # in 15 minutes, of one person and in one conversation


def release(user: User, conversation_id: UUID, *, key_id: str, device_id: UUID) -> dict[str, Any]:
    """The session key *key_id* as a JWE that only the device of *user*'s can open.

    Raises NotFound unless *user* is a member now, the device is theirs and a message that they may
    see is under the key; Conflict for a device that is not active. An ingress key is no session key.
    """
    attempts.count(f"key release {user.pk}", limit=MOST_RELEASES)
    with transaction.atomic():
        stay = membership(user, conversation_id)
        device = keystore.device_of(user, device_id)
        theirs = Message.objects.filter(
            conversation_id=conversation_id,
            key_id=key_id,
            seq__gte=stay.joined_seq,
            deleted_at=None,
        )
        if not theirs.exists():
            raise NotFound
        released = keystore.release(device, conversation_id, key_id)
        audit.record(
            tenant_id=user.tenant_id,
            actor_id=user.pk,
            action="key.released",
            target_type="key",
            target_id=key_id,
            conversation=conversation_id,
            device=device_id,
        )
    return {
        "conversationId": conversation_id,
        "keyId": released.key_id,
        "deviceId": released.device_id,
        "jwe": released.jwe,
    }


def rotate(user: User, conversation_id: UUID) -> dict[str, Any]:
    """Seal what comes next in a conversation of *user*'s under a new key.

    Raises NotFound for who is not in it, Forbidden for a member of a group who does not own it, and
    EncryptionUnavailable while sealing is off.
    """
    stay = (
        Participant.objects.present()
        .filter(
            conversation_id=conversation_id,
            conversation__deleted_at=None,
            user=user,
            tenant_id=user.tenant_id,
        )
        .select_related("conversation")
        .first()
    )
    if stay is None:
        raise NotFound
    direct = stay.conversation.kind == Conversation.Kind.DIRECT
    if not direct and stay.role != Participant.Role.OWNER:
        raise Forbidden("Only an owner may do this.")
    attempts.count(f"key rotation {conversation_id}", limit=MOST_ROTATIONS)
    key_id = _rotate(user.tenant_id, conversation_id, actor_id=user.pk, reason="on-demand")
    return {"conversationId": conversation_id, "keyId": key_id}


def rotate_for_operator(conversation: Conversation, *, actor_id: UUID, reason: str) -> str:
    """The id of the new session key that an operator wants for *conversation*, and says why."""
    return _rotate(conversation.tenant_id, conversation.pk, actor_id=actor_id, reason=reason)


@transaction.atomic
def _rotate(tenant_id: UUID, conversation_id: UUID, *, actor_id: UUID, reason: str) -> str:
    key_id = keystore.rotate(tenant_id, conversation_id, reason)
    audit.record(
        tenant_id=tenant_id,
        actor_id=actor_id,
        action="conversation.key-rotated",
        target_type="conversation",
        target_id=conversation_id,
        key=key_id,
        reason=reason,
    )
    return key_id
