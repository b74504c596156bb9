"""The socket server as it is, with limits that a test need not wait for.

python -m tests.messaging.realtime.serve    (limits as JSON in SOCKET_LIMITS)
"""

import json
import os

from messaging.realtime import limits

for name, value in json.loads(os.environ.get("SOCKET_LIMITS", "{}")).items():
    assert hasattr(limits, name)
    setattr(limits, name, value)

from config.sockets import main  # noqa: E402  # after the limits have been set

if __name__ == "__main__":
    main("127.0.0.1")
