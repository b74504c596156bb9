"""Sockets and, where one process is wanted, REST and admin too, as ASGI (uvicorn)."""

import os
from urllib.parse import ParseResult

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
http = get_asgi_application()  # before anything that needs the apps

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator, WebsocketDenier
from django.conf import settings
from django.urls import re_path

from messaging.realtime.routing import websocket_urlpatterns


class Origins(OriginValidator):  # type: ignore[misc]  # channels has no types
    """Lets in pages of our own and of WS_CORS_ORIGINS, and clients that are no browsers.

    What is no browser sends no Origin: nothing can trick it into a cross-site request, and a
    token is asked for in either case.
    """

    def valid_origin(self, parsed_origin: ParseResult | None) -> bool:
        """Whether a page of this origin may open a socket."""
        return parsed_origin is None or bool(super().valid_origin(parsed_origin))


# The last route: a path that nobody serves would raise, and fill the log on a stranger's behalf.
routes = URLRouter([*websocket_urlpatterns, re_path("", WebsocketDenier.as_asgi())])
allowed = settings.WS_CORS_ORIGINS + settings.ALLOWED_HOSTS
application = ProtocolTypeRouter({"http": http, "websocket": Origins(routes, allowed)})
