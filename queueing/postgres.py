"""Speaking to PostgreSQL directly, and what to do when it refuses."""

import random
import time
from collections.abc import Callable, Mapping
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError, connection

RACES = {"40P01", "40001"}  # deadlock, serialization failure
TRIES = 3  # after the first


def fetch(sql: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """The rows that *sql* gives."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def execute(sql: str, values: Mapping[str, Any] | None = None) -> int:
    """Run *sql*; the number of rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        count: int = cursor.rowcount
    return count


def repeat_races(function: Callable[[], None]) -> None:
    """Call *function*, a whole transaction, again while it loses a race for rows."""
    for left in reversed(range(TRIES + 1)):
        try:
            return function()
        except DatabaseError as error:
            if not left or getattr(error.__cause__, "sqlstate", None) not in RACES:
                raise
            time.sleep(random.uniform(0.01, 0.05))


def is_gone(error: Exception) -> bool:
    """Whether *error* came because the connection broke."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    driver = connection.connection
    return driver is None or driver.closed
