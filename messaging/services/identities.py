"""Who holds a token: checked against the session and its user, remembered for 30 seconds.

What is remembered is per process. The process that ends a session forgets it at once, every other
one within CACHE_SECONDS, which is what makes a revoked token worthless within a minute.
"""

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from messaging.errors import AccountDisabled, TokenExpired, Unauthenticated
from messaging.models import Session, Tenant, User
from messaging.services import tokens
from messaging.services.tokens import Claims

CACHE_SECONDS = 30  # at most; CACHE_L1_TTL may ask for less
LEEWAY = timedelta(seconds=tokens.LEEWAY)

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Identity:
    """A user with their tenant, by which session, until when. Shared: for reading only."""

    user: User
    session_id: UUID
    expires_at: datetime


class Recent(Generic[Value]):
    """The values seen last, each for CACHE_SECONDS."""

    def __init__(self) -> None:
        self._entries: OrderedDict[object, tuple[float, Value]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: object) -> Value | None:
        """The value of *key* while it is fresh."""
        entry = self._entries.get(key)
        return entry[1] if entry and entry[0] > monotonic() else None

    def put(self, key: object, value: Value) -> None:
        """Remember *value*; the oldest goes when there are too many."""
        with self._lock:
            until = monotonic() + min(CACHE_SECONDS, settings.CACHE_L1_TTL)
            self._entries[key] = (until, value)
            self._entries.move_to_end(key)
            while len(self._entries) > settings.CACHE_L1_SIZE:
                self._entries.popitem(last=False)

    def drop(self, key: object) -> None:
        """Forget *key*."""
        with self._lock:
            self._entries.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()


_verified: Recent[Claims] = Recent()  # by digest of the token: a signature costs 100 µs to check
_users: Recent[User] = Recent()  # by session


def authenticate(token: str) -> Identity:
    """Who holds the access *token*; refused unless it, its session and its user are valid."""
    key = tokens.digest(token)
    claims = _verified.get(key)
    if claims is None:
        claims = tokens.read(token, tokens.ACCESS)
        _verified.put(key, claims)
    if claims.expires_at + LEEWAY <= timezone.now():
        raise TokenExpired
    user = user_of(claims.session_id)
    if (user.pk, user.tenant_id, user.token_version) != (
        claims.user_id,
        claims.tenant_id,
        claims.version,
    ):
        raise Unauthenticated
    return Identity(user, claims.session_id, claims.expires_at)


def user_of(session_id: UUID) -> User:
    """The user of a session that stands; refused when either has ended."""
    user = _users.get(session_id)
    if user is None:
        user = load(session_id)
        _users.put(session_id, user)
    return user


def load(session_id: UUID) -> User:
    """The user of *session_id* with their tenant, as the database has them now."""
    session = Session.objects.select_related("user__tenant").filter(pk=session_id).first()
    if refusal := _refusal(session):
        raise refusal
    assert session is not None  # or it would have been refused
    return session.user


def revoked(session_ids: Collection[UUID]) -> dict[UUID, Unauthenticated]:
    """Those of *session_ids* that have ended, and why; asks the database, with one query."""
    known = Session.objects.select_related("user__tenant").in_bulk(session_ids)
    found = {session_id: _refusal(known.get(session_id)) for session_id in session_ids}
    return {session_id: refusal for session_id, refusal in found.items() if refusal}


def _refusal(session: Session | None) -> Unauthenticated | None:
    """Why *session* opens nothing; None while it does."""
    if session is None or session.revoked_at or session.expires_at <= timezone.now():
        return Unauthenticated("The session has ended.")
    return None if in_good_standing(session.user) else AccountDisabled()


def in_good_standing(user: User) -> bool:
    """Whether *user* and their tenant may use the product at all."""
    return user.is_active and user.tenant.status == Tenant.Status.ACTIVE


def forget(session_id: UUID) -> None:
    """Ask the database again about *session_id*."""
    _users.drop(session_id)


def forget_all() -> None:
    """Ask the database again about everybody."""
    _users.clear()
    _verified.clear()
