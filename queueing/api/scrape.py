"""/metrics, for Prometheus and whatever reads its formats."""

import hmac
import logging
from ipaddress import ip_address

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client.exposition import choose_encoder

from queueing import exposition

FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "X-Real-Ip")

log = logging.getLogger(__name__)


@never_cache
@require_safe
def scrape(request: HttpRequest) -> HttpResponse:
    """The metrics, in the form that is accepted; 503 while PostgreSQL does not answer."""
    if settings.METRICS_TOKEN and not knows_the_token(request):
        return refusal(401, "A valid token is needed.", {"WWW-Authenticate": "Bearer"})
    if not settings.METRICS_TOKEN and not is_from_here(request):
        return refusal(403, "From this machine only, as long as METRICS_TOKEN is unset.")
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    try:
        body = encode(exposition.registry())
    except DatabaseError as error:
        log.warning("no metrics: PostgreSQL answered %s", type(error).__name__)
        return refusal(503, "PostgreSQL does not answer.")
    return HttpResponse(body, content_type=content_type)


def refusal(status: int, text: str, headers: dict[str, str] | None = None) -> HttpResponse:
    """An answer without metrics."""
    return HttpResponse(f"{text}\n", "text/plain", status, headers=headers)


def knows_the_token(request: HttpRequest) -> bool:
    """Whether *request* carries METRICS_TOKEN as its bearer's."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    same = hmac.compare_digest(
        token.strip().encode(errors="replace"), settings.METRICS_TOKEN.encode()
    )
    return scheme.lower() == "bearer" and same


def is_from_here(request: HttpRequest) -> bool:
    """Whether *request* was made on this machine, and not only passed on by a proxy on it."""
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
