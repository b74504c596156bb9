"""If-Match and ETag: nobody changes what they have not read (RFC 9110, 13.1.1)."""

import re
from collections.abc import Collection

from rest_framework.request import Request

from messaging.errors import Malformed, PreconditionRequired

TAG = r'(?:W/)?"[!#-~]*"'
VERSIONS = re.compile(rf"(\*|{TAG}( *, *{TAG})*)")
VERSION = re.compile(r'(?<!/)"(\d{1,9})"')  # a weak tag never matches


def etag(version: int) -> str:
    """The ETag of *version*."""
    return f'"{version}"'


def versions_of(request: Request) -> Collection[int] | None:
    """The versions that *request* was made for; None for any. Raises PreconditionRequired."""
    value = request.headers.get("If-Match")
    if value is None:
        raise PreconditionRequired
    if not VERSIONS.fullmatch(value):
        raise Malformed("If-Match is * or a list of ETags.")
    return None if value == "*" else {int(found) for found in VERSION.findall(value)}
