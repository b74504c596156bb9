"""Keys for those who open messages themselves: devices, session keys, rotation."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from messaging.api import key_shapes as shapes
from messaging.api.authentication import caller
from messaging.api.openapi import problems
from messaging.api.serializers import body_of, query_of
from messaging.services import key_devices, session_keys


@extend_schema(tags=["keys"])
class KeyDevices(APIView):
    @extend_schema(
        operation_id="listKeyDevices",
        summary="One's key devices, oldest first",
        responses={200: shapes.KeyDeviceList} | problems(401),
    )
    def get(self, request: Request) -> Response:
        return Response({"data": key_devices.list_of(caller(request))})

    @extend_schema(
        operation_id="registerKeyDevice",
        summary="Register the public key of a device",
        description="The device gets session keys once it has answered the challenge, within five "
        "minutes. Registering the same key again before that makes a new challenge. At most ten.",
        request=shapes.RegisterKeyDevice,
        responses={201: shapes.RegisteredKeyDevice} | problems(400, 401, 409, 413, 415),
    )
    def post(self, request: Request) -> Response:
        body = body_of(request, shapes.RegisterKeyDevice)
        made = key_devices.register(owner=caller(request), **body)
        return Response(made, status.HTTP_201_CREATED)


@extend_schema(tags=["keys"])
class ActivateKeyDevice(APIView):
    @extend_schema(
        operation_id="activateKeyDevice",
        summary="Prove that the device holds its private key",
        request=shapes.ActivateKeyDevice,
        responses={200: shapes.KeyDevice} | problems(400, 401, 404, 413, 415),
    )
    def post(self, request: Request, key_device_id: UUID) -> Response:
        body = body_of(request, shapes.ActivateKeyDevice)
        found = key_devices.activate(owner=caller(request), device_id=key_device_id, **body)
        return Response(found)


@extend_schema(tags=["keys"])
class OneKeyDevice(APIView):
    @extend_schema(
        operation_id="revokeKeyDevice",
        summary="Release no key to a device any more",
        description="The keys that it was given seal no further message, and its own key cannot "
        "be registered again.",
        responses={204: None} | problems(401, 404),
    )
    def delete(self, request: Request, key_device_id: UUID) -> Response:
        key_devices.revoke(owner=caller(request), device_id=key_device_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(tags=["keys"])
class SessionKeys(APIView):
    @extend_schema(
        operation_id="getSessionKey",
        summary="A session key of a conversation, for one of one's devices",
        description="For members, and for keys that a message is sealed under which they may see.",
        parameters=[shapes.SessionKeyQuery],
        responses={200: shapes.SessionKey} | problems(400, 401, 404, 409, 429, 503),
    )
    def get(self, request: Request, conversation_id: UUID) -> Response:
        query = query_of(request, shapes.SessionKeyQuery)
        return Response(session_keys.release(caller(request), conversation_id, **query))


@extend_schema(tags=["keys"])
class RotateSessionKey(APIView):
    @extend_schema(
        operation_id="rotateSessionKey",
        summary="Seal what comes next under a new key",
        description="For an owner of a group, or either of two people.",
        request=None,
        responses={200: shapes.RotatedKey} | problems(401, 403, 404, 429, 503),
    )
    def post(self, request: Request, conversation_id: UUID) -> Response:
        return Response(session_keys.rotate(caller(request), conversation_id))
