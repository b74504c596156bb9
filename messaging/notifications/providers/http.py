"""Speaking to providers over HTTP: what came back, or whether anything can have arrived there.

One client for each process and provider, so that connections are kept. Threads share it under
HTTP/1.1, where each request has a connection to itself. Under HTTP/2 they would read and write one
TLS connection at the same time, which OpenSSL does not allow, so each of them borrows a client.
"""

import logging
import os
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from json import JSONDecodeError, loads
from typing import Any

import httpx2
from django.conf import settings

# Their lines hold what travels: addresses with device tokens in them, and credentials.
for name in ("httpx2", "httpcore2", "h2", "hpack"):
    logging.getLogger(name).setLevel(logging.WARNING)

BUDGET = 12.0  # seconds for all calls of one notification: the queue ends a job after 20
CONNECT, READ = 3.0, 5.0  # seconds
LONGEST = 64 * 1024  # bytes of an answer that are read
UNSENT = (  # nothing of the request has left
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)


class Unsent(Exception):
    """The provider was not reached: it has nothing of this."""


class Unanswered(Exception):
    """The request has left and no answer came: the provider may have taken it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider said."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]

    @property
    def after(self) -> float:
        """The seconds for which it asks to be left alone; a minute where it does not say."""
        said = self.headers.get("retry-after", "")
        if said.isdigit():
            seconds = float(said)
        else:
            try:
                until = parsedate_to_datetime(said)
            except ValueError:
                return 60.0
            seconds = (
                until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)
            ).total_seconds()
        return min(max(seconds, 1.0), 3600.0)


def post(url: str, *, until: float, http2: bool = False, **request: Any) -> Answer:
    """The answer to a POST to *url* before *until* (monotonic). Raises Unsent or Unanswered."""
    left = until - time.monotonic()
    if left < 0.1:
        raise Unsent
    timeout = httpx2.Timeout(min(READ, left), connect=min(CONNECT, left), pool=min(CONNECT, left))
    origin = str(httpx2.URL(url).copy_with(path="/", query=None))
    try:
        with (
            _lent(origin, http2) as client,
            client.stream("POST", url, timeout=timeout, **request) as response,
        ):
            return Answer(response.status_code, _json(response, until), response.headers)
    except UNSENT as error:
        raise Unsent from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Unanswered from error


def _json(response: httpx2.Response, until: float) -> Mapping[str, Any]:
    """The JSON object of *response*, empty where there is none; a slow or endless one is cut off."""
    raw = b""
    for chunk in response.iter_bytes():
        raw += chunk
        if len(raw) > LONGEST or time.monotonic() > until + READ:
            break
    try:
        found = loads(raw)
    except (JSONDecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


@contextmanager
def _lent(origin: str, http2: bool) -> Iterator[httpx2.Client]:
    """A client for *origin*; one that had trouble is not used again."""
    key = (os.getpid(), origin, settings.PROVIDER_CA)
    if not http2:
        yield _client(*key)
        return
    idle = _idle.setdefault(key, [])
    try:
        client = idle.pop()
    except IndexError:
        client = _new(settings.PROVIDER_CA, http1=False, http2=True, idle=600.0)
    try:
        yield client
    except BaseException:
        client.close()
        raise
    idle.append(client)


_idle: dict[tuple[int, str, str], list[httpx2.Client]] = {}


@lru_cache(maxsize=16)
def _client(process: int, origin: str, authority: str) -> httpx2.Client:
    """This *process*'s client for *origin*; a forked child must not use its parent's connections."""
    # Not kept for long: a request into a connection that the server has closed is a doubtful one.
    return _new(authority, http1=True, http2=False, idle=5.0)


def _new(authority: str, *, http1: bool, http2: bool, idle: float) -> httpx2.Client:
    trusted = ssl.create_default_context()
    if authority:
        trusted.load_verify_locations(cadata=authority)
    limits = httpx2.Limits(max_connections=20, keepalive_expiry=idle)
    return httpx2.Client(verify=trusted, http1=http1, http2=http2, limits=limits)
