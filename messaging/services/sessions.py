"""Sessions: one log-in each, kept alive by refresh tokens of which exactly one is valid.

Every refresh gives a new refresh token and voids the one that was used. Whoever shows a voided one
holds a copy, and nobody can tell the thief from the owner, so the whole session ends.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from messaging import audit
from messaging.errors import NotFound, Unauthenticated
from messaging.models import DevicePushToken, Session, User
from messaging.services import attempts, identities, tokens
from messaging.services.tokens import Claims


@dataclass(frozen=True, slots=True)
class Tokens:
    """A pair as it is handed out; nothing of it is kept but a hash of the refresh token's id."""

    access: str
    refresh: str
    session_id: UUID
    expires_in: int  # seconds that the access token has
    refresh_expires_in: int


@transaction.atomic
def open_session(*, user: User, user_agent: str = "") -> Tokens:
    """The first pair of tokens of a new session of *user*, who has proved who they are."""
    now = timezone.now()
    session = Session(
        tenant_id=user.tenant_id,
        user=user,
        user_agent=user_agent[:200],
        expires_at=now + timedelta(seconds=settings.JWT_SESSION_SECONDS),
    )
    pair = _next_pair(session, now)
    session.save(force_insert=True)
    _record("session.opened", session, actor_id=user.pk)
    return pair


def refresh(token: str) -> Tokens:
    """The next pair for the refresh *token*, which is void from now on."""
    claims = tokens.read(token, tokens.REFRESH)
    attempts.count(f"session {claims.session_id}")
    pair = _rotate(claims)
    if pair is None:  # raised out here, or the end of a session would be rolled back
        raise Unauthenticated("The session has ended.")
    return pair


@transaction.atomic
def _rotate(claims: Claims) -> Tokens | None:
    session = _standing(claims).select_for_update(of=("self",)).first()
    if session is None or not identities.in_good_standing(session.user):
        return None
    if bytes(session.refresh_hash) != tokens.digest(claims.jti):
        _end(session, action="session.reuse-detected", actor_id=None)
        return None
    pair = _next_pair(session, timezone.now())
    session.save(update_fields=["refresh_hash", "last_used_at", "idle_expires_at"])
    return pair


def _standing(claims: Claims) -> QuerySet[Session]:
    now = timezone.now()
    return Session.objects.select_related("user__tenant").filter(
        pk=claims.session_id,
        user_id=claims.user_id,
        user__token_version=claims.version,
        revoked_at=None,
        expires_at__gt=now,
        idle_expires_at__gt=now,
    )


def _next_pair(session: Session, now: datetime) -> Tokens:
    """Two new tokens; *session* knows the new refresh token only."""
    idle = now + timedelta(seconds=settings.JWT_REFRESH_SECONDS)
    access_until = min(now + timedelta(seconds=settings.JWT_ACCESS_SECONDS), session.expires_at)
    jti = tokens.new_jti()
    session.refresh_hash = tokens.digest(jti)
    session.last_used_at = now
    session.idle_expires_at = min(idle, session.expires_at)
    return Tokens(
        access=tokens.sign(tokens.ACCESS, _claims(session, tokens.new_jti(), access_until)),
        refresh=tokens.sign(tokens.REFRESH, _claims(session, jti, session.idle_expires_at)),
        session_id=session.pk,
        expires_in=int((access_until - now).total_seconds()),
        refresh_expires_in=int((session.idle_expires_at - now).total_seconds()),
    )


def _claims(session: Session, jti: str, until: datetime) -> Claims:
    return Claims(
        user_id=session.user_id,
        tenant_id=session.tenant_id,
        session_id=session.pk,
        version=session.user.token_version,
        jti=jti,
        expires_at=until,
    )


@transaction.atomic
def revoke(*, user: User, session_id: UUID) -> None:
    """End a session of *user*'s own; its tokens are refused from now on."""
    session = _standing_of(user).select_for_update().filter(pk=session_id).first()
    if session is None:
        raise NotFound
    _end(session, action="session.revoked", actor_id=user.pk)


@transaction.atomic
def revoke_token(token: str) -> None:
    """End the session of the refresh *token*; says nothing when there is none (RFC 7009)."""
    try:
        claims = tokens.read(token, tokens.REFRESH)
    except Unauthenticated:
        return
    session = _standing(claims).select_for_update(of=("self",)).first()
    if session is not None:
        _end(session, action="session.revoked", actor_id=session.user_id)


def list_sessions(user: User, *, limit: int, before: UUID | None = None) -> list[Session]:
    """At most *limit* sessions of *user* that stand, newest first, older than *before*."""
    standing = _standing_of(user).order_by("-pk")
    if before is not None:
        standing = standing.filter(pk__lt=before)
    return list(standing[:limit])


def _standing_of(user: User) -> QuerySet[Session]:
    now = timezone.now()
    return user.sessions.filter(revoked_at=None, expires_at__gt=now, idle_expires_at__gt=now)


def _end(session: Session, *, action: str, actor_id: UUID | None) -> None:
    session.revoked_at = timezone.now()
    session.save(update_fields=["revoked_at"])
    DevicePushToken.objects.filter(session_id=session.pk).delete()  # who logged out is not told
    transaction.on_commit(lambda: identities.forget(session.pk))
    _record(action, session, actor_id=actor_id)


def _record(action: str, session: Session, *, actor_id: UUID | None) -> None:
    audit.record(
        tenant_id=session.tenant_id,
        actor_id=actor_id,
        action=action,
        target_type="session",
        target_id=session.pk,
        userId=str(session.user_id),
    )
