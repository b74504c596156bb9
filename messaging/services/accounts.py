"""Logging in, and the names under which the rest of what an account can do is found."""

import logging
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import transaction

from messaging import audit
from messaging.errors import Unauthenticated
from messaging.models import SYSTEM, Tenant, User
from messaging.services import attempts, identities
from messaging.services.identities import Identity, authenticate, in_good_standing, revoked
from messaging.services.sessions import (
    Tokens,
    list_sessions,
    open_session,
    refresh,
    revoke,
    revoke_token,
)
from messaging.services.tickets import TICKET_LIFETIME, issue_ticket, redeem_ticket

__all__ = [
    "TICKET_LIFETIME",
    "Identity",
    "Tokens",
    "authenticate",
    "change_phone",
    "issue_ticket",
    "list_sessions",
    "log_in",
    "open_session",
    "redeem_ticket",
    "refresh",
    "revoke",
    "revoke_token",
    "revoked",
]

logger = logging.getLogger(__name__)


def log_in(*, username: str, password: str, user_agent: str = "", address: str = "") -> Tokens:
    """The tokens of a new session, for the right *password*; *address* is the caller's."""
    name = User.normalize_username(username)
    subjects = (f"name {name}", f"address {attempts.network(address)}")
    attempts.count(*subjects)
    user = User.objects.select_related("tenant").filter(username=name).first()
    if not _proved(user, password) or user is None:
        _refuse(user)
        raise Unauthenticated("The name or the password is wrong.")
    attempts.give_back(*subjects)
    return open_session(user=user, user_agent=user_agent)


@transaction.atomic
def change_phone(*, user: User, session_id: UUID, phone: str) -> User:
    """*user* with the number *phone*, or with none; whether it is theirs is not asked."""
    changed = User.objects.select_related("tenant").select_for_update(of=("self",)).get(pk=user.pk)
    changed.phone = phone
    changed.save(update_fields=["phone"])
    transaction.on_commit(lambda: identities.forget(session_id))
    audit.record(
        tenant_id=user.tenant_id,
        actor_id=user.pk,
        action="user.phone-changed",
        target_type="user",
        target_id=user.pk,
        has_phone=bool(phone),
    )
    return changed


def _proved(user: User | None, password: str) -> bool:
    """Whether *password* is the user's, in the same time whether or not there is such a user."""
    if user is None:
        make_password(password)
        return False
    return user.check_password(password) and in_good_standing(user)


@transaction.atomic
def _refuse(user: User | None) -> None:
    """Witness a log-in that failed; that of nobody is the operators' to see."""
    tenant = user.tenant if user else Tenant.objects.filter(slug=SYSTEM).first()
    logger.warning("log-in refused user=%s", user.pk if user else "unknown")
    if tenant is not None:
        audit.record(
            tenant_id=tenant.pk,
            actor_id=None,
            action="log-in.refused",
            target_type="user",
            target_id=user.pk if user else "unknown",
        )
