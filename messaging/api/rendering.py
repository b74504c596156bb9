"""How values look on the wire."""

from datetime import UTC, datetime


def moment(value: datetime) -> str:
    """*value* as RFC 3339 in UTC, with milliseconds."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03}Z"
