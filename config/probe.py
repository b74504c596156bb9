"""What a container's health check asks: python -m config.probe URL.

The Host is the first of ALLOWED_HOSTS, since others are refused, and the scheme is the public one.
"""

import sys
import urllib.request

from config import env


def probe(url: str) -> int:
    """The status of *url*; anything but a success raises."""
    host = env.words("ALLOWED_HOSTS", "127.0.0.1")[0].lstrip(".")
    request = urllib.request.Request(url, headers={"Host": host, "X-Forwarded-Proto": "https"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return int(answer.status)


if __name__ == "__main__":
    probe(sys.argv[1])
