"""Where sockets are opened."""

from django.conf import settings
from django.urls import path

from messaging.realtime.consumer import MessagingConsumer

websocket_urlpatterns = [path(settings.WS_PATH.lstrip("/"), MessagingConsumer.as_asgi())]
