"""Times as the API writes them."""

from datetime import UTC, datetime


def rfc3339(moment: datetime | None) -> str | None:
    """*moment* in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now() -> str:
    """This moment."""
    return rfc3339(datetime.now(UTC)) or ""
