"""How much a person, and a tenant as a whole, may ask for in a minute (S122).

Settings say it for everybody, `Tenant.limits` for a tenant; 0 is without limit. A full bucket may be
spent at once, and fills up again evenly within the minute. Attempts to log in are counted apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.conf import settings

from messaging.errors import QuotaExceeded
from messaging.models import User
from messaging.services import buckets
from messaging.services.buckets import SECONDS, WINDOW, Bucket, Taken

Scope = Literal["sends", "calls"]


@dataclass(frozen=True, slots=True)
class Policy:
    """A row of the table below: one bucket for each person, or one for their tenant."""

    name: str  # on the wire
    limit: str  # in Tenant.limits, and in settings.RATE_LIMITS
    shared: bool = False


POLICIES: dict[Scope, Sequence[Policy]] = {
    "sends": (Policy("sends", "sends"), Policy("tenant-sends", "tenantSends", shared=True)),
    "calls": (Policy("calls", "calls"),),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left of a policy: times in seconds, rounded up."""

    policy: str
    quota: int
    left: int
    full_in: int
    wait: int  # until there is one left; 0 while there is


@dataclass(frozen=True, slots=True)
class Count:
    """What a request was counted against."""

    allowed: bool
    standings: Sequence[Standing]

    def headers(self) -> dict[str, str]:
        """As HTTP tells it (draft-ietf-httpapi-ratelimit-headers)."""
        if not self.standings:
            return {}
        policies = (f'"{one.policy}";q={one.quota};w={SECONDS}' for one in self.standings)
        left = (f'"{one.policy}";r={one.left};t={one.full_in}' for one in self.standings)
        return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(left)}

    def require(self) -> None:
        """Refuse unless there was enough."""
        if not self.allowed:
            worst = max(self.standings, key=lambda one: one.wait)
            raise QuotaExceeded(
                f"At most {worst.quota} a minute ({worst.policy}).",
                retry_after=max(1, worst.wait),
            )


def count(scope: Scope, user: User) -> Count:
    """Count one request of *user* against every policy of *scope*."""
    limits = {**settings.RATE_LIMITS, **user.tenant.limits}
    limited = [policy for policy in POLICIES[scope] if limits[policy.limit]]
    if not limited:
        return Count(True, ())
    chosen = [
        Bucket(f"{prefix()}:quota:{policy.name}:{owner(policy, user)}", limits[policy.limit])
        for policy in limited
    ]
    taken = buckets.take(chosen)
    return Count(taken.allowed, standings(limited, chosen, taken))


def spend(scope: Scope, user: User) -> None:
    """Count one request of *user*; refused when there is none left."""
    count(scope, user).require()


def standings(
    policies: Sequence[Policy], chosen: Sequence[Bucket], taken: Taken
) -> Sequence[Standing]:
    """What is left of each of *policies*."""
    return [
        Standing(
            policy=policy.name,
            quota=bucket.quota,
            left=max(0, (WINDOW - full_in) // bucket.each),
            full_in=-(-full_in // 1_000_000),
            wait=max(0, -(-(full_in + bucket.each - WINDOW) // 1_000_000)),
        )
        for policy, bucket, full_in in zip(policies, chosen, taken.full_in, strict=True)
    ]


def owner(policy: Policy, user: User) -> str:
    """Whose bucket it is."""
    return str(user.tenant_id if policy.shared else user.pk)


def prefix() -> str:
    """What the keys begin with, as all that this installation keeps in Redis for a time."""
    return str(settings.CACHES["default"]["KEY_PREFIX"])
