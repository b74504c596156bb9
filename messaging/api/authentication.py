"""Who calls: the bearer of an access token."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from messaging.errors import Unauthenticated
from messaging.models import User
from messaging.services import accounts
from messaging.services.accounts import Identity
from queueing import context

SCHEME = "bearer"
CHALLENGE = 'Bearer realm="waxwing"'


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>`; `request.auth` is the Identity."""

    def authenticate(self, request: Request) -> tuple[User, Identity] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return None
        if scheme.lower() != SCHEME:
            raise Unauthenticated
        identity = accounts.authenticate(token.strip())
        context.learn(tenant=identity.user.tenant_id)
        return identity.user, identity

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


def identity_of(request: Request) -> Identity:
    """Who calls, by which session; for views that need a log-in."""
    if not isinstance(request.auth, Identity):
        raise Unauthenticated
    return request.auth


def caller(request: Request) -> User:
    """Who calls; for views that need a log-in."""
    return identity_of(request).user
