"""The server's half of a socket: uvicorn's protocol, with its transport handed to the application.

Writing an encoded frame to the transport costs a fortieth of the way through Channels and ASGI. It
is in order because everything that a socket says after its acceptance goes that way.
"""

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from messaging.realtime import limits

TRANSPORT = "waxwing.transport"  # the extension under which the application finds it
QUERY = "waxwing.query"


class EventProtocol(WebSocketsSansIOProtocol):
    """For `uvicorn --ws`. Frames are never compressed, and never longer than their limit."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        config.ws_per_message_deflate = False  # what is written past the server is not deflated
        config.ws_max_size = min(config.ws_max_size, limits.FRAME)
        super().__init__(config, server_state, app_state, _loop)

    async def run_asgi(self) -> None:
        extensions = self.scope["extensions"]
        assert extensions is not None
        extensions[TRANSPORT] = {"transport": self.transport}
        # uvicorn logs the query of an accepted socket, and a ticket stands in it.
        extensions[QUERY] = {"query": self.scope["query_string"]}
        self.scope["query_string"] = b""
        await super().run_asgi()
