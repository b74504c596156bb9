"""Tokens, sessions and who one is."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from messaging.api import account_shapes as shapes
from messaging.api.addresses import address_of
from messaging.api.authentication import caller, identity_of
from messaging.api.openapi import problems
from messaging.api.pages import page
from messaging.api.rendering import moment
from messaging.api.serializers import ChangeMe, Credentials, Page, RefreshToken, body_of, query_of
from messaging.models import Session, User
from messaging.services import accounts
from messaging.services.accounts import Tokens


class Open(APIView):
    # For those who have no access token, or no valid one: it is not even looked at.
    authentication_classes = ()
    permission_classes = ()


@extend_schema(tags=["account"])
class LogIn(Open):
    @extend_schema(
        operation_id="logIn",
        summary="Log in with a password",
        request=Credentials,
        responses={200: shapes.TokenPair} | problems(400, 401, 429),
    )
    def post(self, request: Request) -> Response:
        body = body_of(request, Credentials)
        pair = accounts.log_in(
            **body,
            user_agent=request.headers.get("User-Agent", ""),
            address=address_of(request),
        )
        return Response(rendered(pair))


@extend_schema(tags=["account"])
class Refresh(Open):
    @extend_schema(
        operation_id="refreshTokens",
        summary="The next pair of tokens",
        description="The refresh token that was used is void. Using it again ends the session.",
        request=RefreshToken,
        responses={200: shapes.TokenPair} | problems(400, 401, 429),
    )
    def post(self, request: Request) -> Response:
        body = body_of(request, RefreshToken)
        return Response(rendered(accounts.refresh(body["refresh_token"])))


@extend_schema(tags=["account"])
class Revoke(Open):
    @extend_schema(
        operation_id="logOut",
        summary="End the session of a refresh token",
        description="Answers the same whether or not the token was valid (RFC 7009).",
        request=RefreshToken,
        responses={204: None} | problems(400),
    )
    def post(self, request: Request) -> Response:
        body = body_of(request, RefreshToken)
        accounts.revoke_token(body["refresh_token"])
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(tags=["account"])
class SocketTicket(APIView):
    @extend_schema(
        operation_id="issueSocketTicket",
        summary="A ticket that opens one socket within 30 seconds",
        request=None,
        responses={200: shapes.SocketTicket} | problems(401),
    )
    def post(self, request: Request) -> Response:
        ticket = accounts.issue_ticket(identity_of(request))
        return Response({"ticket": ticket, "expiresIn": accounts.TICKET_LIFETIME})


@extend_schema(tags=["account"])
class Me(APIView):
    @extend_schema(
        operation_id="whoAmI",
        summary="Who one is",
        responses={200: shapes.Me} | problems(401),
    )
    def get(self, request: Request) -> Response:
        identity = identity_of(request)
        return Response(oneself(identity.user, identity.session_id))

    @extend_schema(
        operation_id="changeMe",
        summary="Change the number that one gets SMS at",
        description="An empty number: none.",
        request=ChangeMe,
        responses={200: shapes.Me} | problems(400, 401, 413, 415),
    )
    def patch(self, request: Request) -> Response:
        body = body_of(request, ChangeMe)
        identity = identity_of(request)
        user = accounts.change_phone(
            user=identity.user, session_id=identity.session_id, phone=body["phone"]
        )
        return Response(oneself(user, identity.session_id))


@extend_schema(tags=["account"])
class Sessions(APIView):
    @extend_schema(
        operation_id="listSessions",
        summary="From where one is logged in",
        parameters=[Page],
        responses={200: shapes.SessionPage} | problems(400, 401),
    )
    def get(self, request: Request) -> Response:
        query = query_of(request, Page)
        identity = identity_of(request)
        limit = query["limit"]
        sessions = accounts.list_sessions(
            identity.user, limit=limit + 1, before=query.get("cursor")
        )
        return page(request, [shown(one, identity.session_id) for one in sessions], limit)


@extend_schema(tags=["account"])
class OneSession(APIView):
    @extend_schema(
        operation_id="endSession",
        summary="End one of one's sessions",
        responses={204: None} | problems(401, 404),
    )
    def delete(self, request: Request, session_id: UUID) -> Response:
        accounts.revoke(user=caller(request), session_id=session_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


def oneself(user: User, session_id: UUID) -> dict[str, Any]:
    """*user* to themselves."""
    return {
        "id": user.pk,
        "username": user.username,
        "name": user.name,
        "kind": user.kind,
        "isStaff": user.is_staff,
        "phone": user.phone,
        "timeZone": user.time_zone,
        "locale": user.locale,
        "tenant": {"id": user.tenant_id, "name": user.tenant.name},
        "sessionId": session_id,
    }


def rendered(pair: Tokens) -> dict[str, Any]:
    """*pair* as it is handed out."""
    return {
        "accessToken": pair.access,
        "refreshToken": pair.refresh,
        "tokenType": "Bearer",
        "expiresIn": pair.expires_in,
        "refreshExpiresIn": pair.refresh_expires_in,
        "sessionId": pair.session_id,
    }


def shown(session: Session, current: UUID) -> dict[str, Any]:
    """*session* to its owner."""
    return {
        "id": session.pk,
        "userAgent": session.user_agent,
        "current": session.pk == current,
        "createdAt": moment(session.created_at),
        "lastUsedAt": moment(session.last_used_at),
        "expiresAt": moment(session.expires_at),
    }
