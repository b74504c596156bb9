"""Where a request came from."""

from django.conf import settings
from django.http import HttpRequest


def address_of(request: HttpRequest) -> str:
    """The caller's address: behind our own proxy the one that it saw, else the connection's.

    Only the last entry of X-Forwarded-For is the proxy's own; the caller can make up the others.
    """
    if settings.SECURE_PROXY_SSL_HEADER:
        forwarded = request.headers.get("X-Forwarded-For", "")
        if seen := forwarded.rpartition(",")[2].strip():
            return seen
    return str(request.META.get("REMOTE_ADDR", ""))
