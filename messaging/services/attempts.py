"""How often somebody may try to get in: 100 times in 15 minutes, per name and per address (D15).

Counted in PostgreSQL, in one statement, before the attempt: parallel attempts cannot slip through,
a flushed Redis forgives nothing, and where the database is away nobody gets in at all. Whoever got
in is given the attempt back, so that a clinic behind one address can start its day.
"""

import hashlib
from ipaddress import IPv6Address, ip_address

from django.db import connection

from messaging.errors import QuotaExceeded

LIMIT = 100
WINDOW = "15 minutes"
RETRY_AFTER = 15 * 60  # seconds

COUNT = """
    INSERT INTO attempt_windows AS seen (key, started_at, count)
    SELECT key, now(), 1 FROM unnest(%s::bytea[]) AS key ORDER BY key
    ON CONFLICT (key) DO UPDATE SET
        count = CASE WHEN seen.started_at < now() - %s::interval THEN 1 ELSE seen.count + 1 END,
        started_at = CASE WHEN seen.started_at < now() - %s::interval THEN now()
                     ELSE seen.started_at END
    RETURNING count
"""
GIVE_BACK = """
    UPDATE attempt_windows SET count = count - 1
    WHERE count > 0 AND key IN (
        SELECT key FROM attempt_windows WHERE key = ANY(%s::bytea[]) ORDER BY key FOR UPDATE)
"""
FORGET = """
    DELETE FROM attempt_windows WHERE key IN (
        SELECT key FROM attempt_windows WHERE started_at < now() - %s::interval
        LIMIT 100 FOR UPDATE SKIP LOCKED)
"""


def count(*subjects: str, limit: int | None = None) -> None:
    """Count an attempt of each of *subjects*; refused when one has had too many."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [keys(subjects), WINDOW, WINDOW])
        counts = [row[0] for row in cursor.fetchall()]
    if max(counts) > (LIMIT if limit is None else limit):
        raise QuotaExceeded("Too many attempts; wait 15 minutes.", retry_after=RETRY_AFTER)


def give_back(*subjects: str) -> None:
    """Take back the attempt of *subjects*, who got in; also drop windows long past."""
    with connection.cursor() as cursor:
        cursor.execute(GIVE_BACK, [keys(subjects)])
        cursor.execute(FORGET, [WINDOW])


def keys(subjects: tuple[str, ...]) -> list[bytes]:
    """The rows of *subjects*: hashed, since people type passwords where names belong."""
    return [hashlib.sha256(subject.encode("utf-8", "replace")).digest() for subject in subjects]


def network(address: str) -> str:
    """The part of *address* that one customer has: all of IPv4, the /64 of IPv6."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        return parsed.exploded[:19] if parsed.ipv4_mapped is None else str(parsed.ipv4_mapped)
    return str(parsed)
