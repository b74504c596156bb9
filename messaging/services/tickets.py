"""Tickets that open one socket within 30 seconds, for browsers, which can send no header."""

import secrets
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from messaging.errors import Unauthenticated
from messaging.models import SocketTicket
from messaging.services import identities, tokens
from messaging.services.identities import Identity

TICKET_LIFETIME = 30  # seconds


@transaction.atomic
def issue_ticket(identity: Identity) -> str:
    """A ticket by which *identity* may open one socket."""
    ticket, now = secrets.token_urlsafe(32), timezone.now()
    SocketTicket.objects.filter(session_id=identity.session_id, expires_at__lt=now).delete()
    SocketTicket.objects.create(
        tenant_id=identity.user.tenant_id,
        session_id=identity.session_id,
        ticket_hash=tokens.digest(ticket),
        expires_at=now + timedelta(seconds=TICKET_LIFETIME),
        token_expires_at=identity.expires_at,
    )
    return ticket


def redeem_ticket(ticket: str) -> Identity:
    """Who asked for *ticket*; it is worthless from now on."""
    row = _consume(ticket)
    if row is None:
        raise Unauthenticated("The ticket is not valid, or has been used.")
    return Identity(identities.user_of(row.session_id), row.session_id, row.token_expires_at)


@transaction.atomic
def _consume(ticket: str) -> SocketTicket | None:
    held = SocketTicket.objects.select_for_update().filter(
        ticket_hash=tokens.digest(ticket), expires_at__gt=timezone.now()
    )
    row = held.first()
    if row is not None:
        row.delete()
    return row
