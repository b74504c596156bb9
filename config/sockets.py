"""The socket server: uvicorn with the limits that sockets live by.

python -m config.sockets [HOST]
"""

import sys

import uvicorn
from django.conf import settings

from config.asgi import application
from messaging.realtime.server import EventProtocol

MAX_FRAME = 262_144  # bytes


def main(host: str) -> None:
    """Serve sockets until a signal comes."""
    uvicorn.run(
        application,
        host=host,
        port=settings.WS_PORT,
        ws=EventProtocol,
        ws_max_size=MAX_FRAME,
        ws_ping_interval=settings.WS_PING_INTERVAL,
        ws_ping_timeout=settings.WS_PING_TIMEOUT,
        ws_per_message_deflate=False,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=5,
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
    )


if __name__ == "__main__":
    main(*sys.argv[1:] or ["127.0.0.1"])
