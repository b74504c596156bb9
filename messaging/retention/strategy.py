"""What a cleanup rule is: it finds the next messages that are to go, and lets them go.

A strategy walks over the messages in the order of their ids, a bounded stretch at a time, so that no
statement is long however large the table. Rows that somebody else has locked are left for the next
run. A conversation on hold keeps everything, whatever the rule.
"""

from typing import ClassVar, NamedTuple
from uuid import UUID

from queueing.postgres import fetch

FIRST = UUID(int=0)
SCAN = 10_000  # messages that one statement looks at

STRETCH = """
    WITH stretch AS MATERIALIZED (
        SELECT id FROM messages WHERE id > %(after)s::uuid ORDER BY id LIMIT %(scan)s::int)
    SELECT (SELECT count(*) FROM stretch), (SELECT max(id::text)::uuid FROM stretch), """

WHERE = """
    FROM stretch s JOIN messages m ON m.id = s.id
    JOIN tenants t ON t.id = m.tenant_id
    LEFT JOIN conversations c ON c.id = m.conversation_id
    WHERE c.hold IS NOT TRUE AND ({condition})"""

COUNT = STRETCH + "(SELECT count(*)" + WHERE + ")"

FIND = (
    """
    WITH stretch AS MATERIALIZED (
        SELECT id FROM messages WHERE id > %(after)s::uuid ORDER BY id LIMIT %(scan)s::int),
    due AS MATERIALIZED (
        SELECT m.id, m.tenant_id, m.conversation_id, m.seq"""
    + WHERE
    + """
        ORDER BY m.id LIMIT %(limit)s::int FOR UPDATE OF m SKIP LOCKED)
    SELECT d.id, d.tenant_id, d.conversation_id, d.seq, n.*
    FROM (SELECT count(*), max(id::text)::uuid,
            count(*) FILTER (WHERE id <= (SELECT max(id::text)::uuid FROM due)) FROM stretch) n
    LEFT JOIN due d ON true ORDER BY d.id"""
)


class Due(NamedTuple):
    """A message that is to go, locked."""

    id: UUID
    tenant_id: UUID
    conversation_id: UUID
    seq: int | None


class Strategy:
    """One rule, on its way through the messages: *after* is the last one that it has looked at."""

    name: ClassVar[str]  # also the end of its periodic task's name
    title: ClassVar[str]  # for operators
    condition: ClassVar[str]  # SQL over m, its conversation c and its tenant t: what is to go
    days: ClassVar[int]  # of retention or grace, unless a run says otherwise
    registry: ClassVar[dict[str, type["Strategy"]]] = {}

    def __init_subclass__(cls) -> None:
        """Make the strategy known by its name."""
        if cls.name in Strategy.registry:
            raise ValueError(f"there is already a strategy {cls.name}")
        Strategy.registry[cls.name] = cls

    def __init__(self, days: int | None = None, after: UUID | None = None) -> None:
        self.retention = days or self.days
        self.after = after or FIRST
        self.examined = 0
        self.exhausted = False  # everything was looked at

    def due(self, limit: int) -> list[Due]:
        """The next messages that are to go, at most *limit*, locked by the caller's transaction."""
        rows = fetch(FIND.format(condition=self.condition), self._values(limit))
        *_, count, last, until_last = rows[0]
        found = [Due(*row[:4]) for row in rows if row[0]]
        if len(found) == limit:  # there may be more in the stretch
            self._move(until_last, found[-1].id, done=False)
        else:
            self._move(count, last, done=count < SCAN)
        return found

    def clean(self, limit: int) -> int:
        """Let the next messages go, at most *limit*; how many those were."""
        found = self.due(limit)
        if found:
            self.remove(found)
        return len(found)

    def count(self) -> int:
        """How many of the next messages would go; nothing is touched."""
        [(examined, last, due)] = fetch(COUNT.format(condition=self.condition), self._values(0))
        self._move(examined, last, done=examined < SCAN)
        return int(due)

    def remove(self, messages: list[Due]) -> None:
        """Let *messages* go, with what belongs to them."""
        raise NotImplementedError

    def _values(self, limit: int) -> dict[str, object]:
        return {"after": self.after, "scan": SCAN, "limit": limit, "days": self.retention}

    def _move(self, examined: int, last: UUID | None, *, done: bool) -> None:
        self.examined, self.exhausted = examined, done
        self.after = last or self.after
