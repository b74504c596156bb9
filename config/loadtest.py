"""A load test through the public API, and an account of every message afterwards (S151).

What was sent is the client's own list of 202s; what became of it is read from PostgreSQL.
"""

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from itertools import cycle
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from messaging.models import Tenant, User
from messaging.services import accounts
from queueing.postgres import fetch

PATIENCE = 120.0  # seconds without any progress until what is left counts as lost
TRIES = 5
TEXT = "Please call the clinic today: the results of your daughter's allergy test are in."

LIMITS = {"sends": 1_000_000, "tenantSends": 1_000_000}  # counted, and never enough to refuse

Progress = Callable[[str, int, int], None]

STAGES = """
SELECT j.kind, count(*) FILTER (WHERE j.state = 'completed'),
       count(*) FILTER (WHERE j.state <> 'completed'),
       count(*) FILTER (WHERE j.attempts > 1 OR j.crashes > 0),
       percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (
           ORDER BY extract(epoch FROM j.finished_at - m.created_at)::float8)
FROM messages m JOIN jobs j ON j.id > m.id AND j.run_id = m.id
WHERE m.id = ANY(%(ids)s::uuid[]) GROUP BY j.kind, j.position ORDER BY j.position, j.kind
"""
LEFT = """
SELECT count(*) FROM jobs
WHERE run_id = ANY(%(ids)s::uuid[]) AND state IN ('blocked', 'waiting', 'active')
"""
OUTCOME = """
SELECT (SELECT count(*) FROM unnest(%(ids)s::uuid[]) AS sent (id)
        WHERE NOT EXISTS (SELECT 1 FROM message_deliveries d
                          WHERE d.message_id = sent.id AND d.status <> 'FAILED')),
       (SELECT count(*) FROM messages WHERE tenant_id = %(tenant)s::uuid) - %(sent)s::int
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step over all messages; times are seconds since the message was accepted."""

    name: str
    count: int
    lost: int
    retried: int
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class Report:
    """What a load test found."""

    sent: int
    once: int
    lost: int
    twice: int
    seconds: float
    stages: list[Stage]

    @property
    def whole(self) -> bool:
        """Whether every message arrived exactly once."""
        return not self.lost and not self.twice

    def json(self) -> str:
        """The form that scripts read."""
        return json.dumps(asdict(self))


class Client:
    """One connection to the API, which repeats what was not answered under the same key."""

    def __init__(self, url: str, token: str) -> None:
        self.place = urlsplit(url)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.connection = self._connect()

    def send(self, recipient: UUID, *, encrypted: bool) -> tuple[UUID, float]:
        """The id of an accepted message, and the seconds that its 202 took."""
        body = {"recipientId": str(recipient), "content": TEXT, "encrypted": encrypted}
        headers = self.headers | {"Idempotency-Key": str(uuid4())}
        began = time.perf_counter()
        for wait in range(TRIES):
            try:
                path = f"{self.place.path.rstrip('/')}/api/v1/messages/direct"
                self.connection.request("POST", path, json.dumps(body), headers)
                answer = self.connection.getresponse()
                content = answer.read()
                if answer.status == 202:
                    return UUID(json.loads(content)["message"]["id"]), time.perf_counter() - began
                trouble = f"HTTP {answer.status}"
            except (OSError, HTTPException) as error:
                trouble = type(error).__name__
                self.connection = self._connect()
            time.sleep(0.2 * 2**wait)
        raise RuntimeError(f"a send was not accepted after {TRIES} tries: {trouble}")

    def _connect(self) -> HTTPConnection:
        secure = self.place.scheme == "https"
        kind = HTTPSConnection if secure else HTTPConnection
        return kind(self.place.hostname or "", self.place.port, timeout=30)


def run(*, url: str, messages: int, clients: int, encrypted: bool, progress: Progress) -> Report:
    """Send *messages* over *clients* connections, wait for their jobs, and count what came of them."""
    tenant = Tenant.objects.create(
        name="Load test", slug=f"load-test-{uuid4().hex[:12]}", limits=LIMITS
    )
    people = _people(tenant, clients + 1)
    tokens = [accounts.open_session(user=user, user_agent="loadtest").access for user in people]
    began = time.perf_counter()
    waits: list[float] = []
    ids: list[UUID] = []

    def work(number: int) -> None:
        client = Client(url, tokens[number])
        others = cycle(user.pk for user in people if user.pk != people[number].pk)
        for _ in range(messages * number // clients, messages * (number + 1) // clients):
            accepted, seconds = client.send(next(others), encrypted=encrypted)
            ids.append(accepted)
            waits.append(seconds)
            progress("sent", len(ids), messages)

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(work, range(clients)))
    _wait(ids, progress)
    return _report(tenant, ids, waits, time.perf_counter() - began)


def _people(tenant: Tenant, count: int) -> Sequence[User]:
    return User.objects.bulk_create(
        User(tenant=tenant, username=f"{tenant.slug}-{i}", password="!") for i in range(count)
    )


def _wait(ids: Sequence[UUID], progress: Progress) -> None:
    """Return when nothing is left to do, or nothing has moved for PATIENCE seconds."""
    total = left = None
    moved = time.monotonic()
    while left != 0 and time.monotonic() - moved < PATIENCE:
        [(now,)] = fetch(LEFT, {"ids": ids})
        total = total or max(now, 1)
        if now != left:
            left, moved = now, time.monotonic()
        progress("done", total - now, total)
        time.sleep(0.2)


def _report(tenant: Tenant, ids: list[UUID], waits: list[float], seconds: float) -> Report:
    values = {"ids": ids, "tenant": tenant.pk, "sent": len(ids)}
    [(lost, more)] = fetch(OUTCOME, values)
    stages = [Stage("accept", len(ids), 0, 0, *_quantiles(waits))]
    for kind, done, left, retried, times in fetch(STAGES, values):
        p50, p95, p99 = times or (0.0, 0.0, 0.0)
        stages.append(Stage(kind, done, left, retried, p50, p95, p99))
    # (message, recipient) is unique in the table, so twice could only be a second message.
    twice = max(more, 0) + len(ids) - len(set(ids))
    return Report(len(ids), len(ids) - lost, lost, twice, round(seconds, 2), stages)


def _quantiles(waits: list[float]) -> tuple[float, float, float]:
    ordered = sorted(waits) or [0.0]
    p50, p95, p99 = (ordered[min(len(ordered) - 1, len(ordered) * p // 100)] for p in (50, 95, 99))
    return p50, p95, p99
