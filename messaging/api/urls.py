"""The addresses of the API, below its prefix."""

from django.urls import path

from messaging.api.views import (
    accounts,
    conversations,
    devices,
    keys,
    messages,
    notifications,
    trail,
)

urlpatterns = [
    path("auth/token", accounts.LogIn.as_view()),
    path("auth/refresh", accounts.Refresh.as_view()),
    path("auth/revoke", accounts.Revoke.as_view()),
    path("auth/socket-ticket", accounts.SocketTicket.as_view()),
    path("me", accounts.Me.as_view()),
    path("me/sessions", accounts.Sessions.as_view()),
    path("me/sessions/<uuid:session_id>", accounts.OneSession.as_view()),
    path("devices", devices.Devices.as_view()),
    path("devices/<uuid:device_id>", devices.OneDevice.as_view()),
    path("keys/devices", keys.KeyDevices.as_view()),
    path("keys/devices/<uuid:key_device_id>", keys.OneKeyDevice.as_view()),
    path("keys/devices/<uuid:key_device_id>/activate", keys.ActivateKeyDevice.as_view()),
    path("conversations", conversations.Conversations.as_view()),
    path("conversations/<uuid:conversation_id>", conversations.OneConversation.as_view()),
    path("conversations/<uuid:conversation_id>/participants", conversations.Participants.as_view()),
    path(
        "conversations/<uuid:conversation_id>/participants/<uuid:user_id>",
        conversations.OneParticipant.as_view(),
    ),
    path("conversations/<uuid:conversation_id>/messages", conversations.Messages.as_view()),
    path("conversations/<uuid:conversation_id>/read", conversations.Read.as_view()),
    path("conversations/<uuid:conversation_id>/session-keys", keys.SessionKeys.as_view()),
    path(
        "conversations/<uuid:conversation_id>/session-keys/rotate",
        keys.RotateSessionKey.as_view(),
    ),
    path("messages/direct", messages.Direct.as_view()),
    path("messages/group", messages.Group.as_view()),
    path("messages/search", messages.Search.as_view()),
    path("messages/<uuid:message_id>", messages.OneMessage.as_view()),
    path("messages/<uuid:message_id>/verify", messages.Verify.as_view()),
    path("messages/<uuid:message_id>/deliveries", messages.Deliveries.as_view()),
    path("audit", trail.AuditTrail.as_view()),
    path("notifications", notifications.Inbox.as_view()),
    path("notifications/<uuid:notification_id>/read", notifications.ReadNotification.as_view()),
]
