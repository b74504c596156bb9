"""The socket server as it is, with limits that a test need not wait for.

python -m tests.messaging.realtime.serve [plain]    (limits as JSON in SOCKET_LIMITS)

With `plain` it is uvicorn as anybody would start it, without our protocol.
"""

import json
import os
import sys

import uvicorn

from messaging.realtime import limits

for name, value in json.loads(os.environ.get("SOCKET_LIMITS", "{}")).items():
    assert hasattr(limits, name)
    setattr(limits, name, value)

from config.sockets import main  # noqa: E402  # after the limits have been set

if __name__ == "__main__":
    if sys.argv[1:] == ["plain"]:
        port = int(os.environ["WS_PORT"])
        uvicorn.run("config.asgi:application", port=port, ws="websockets-sansio", lifespan="off")
    else:
        main("127.0.0.1")
