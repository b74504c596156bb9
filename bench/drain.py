"""drain: messages that are accepted already, until all four steps of all of them are done."""

import time

from bench import load
from bench.peer import Peer
from bench.result import Result
from bench.stack import Stack

LIMIT = 170  # seconds


def run(stack: Stack, peer: Peer | None) -> Result:
    """Messages per second from the first claim to the last completion."""
    n = load.size(10_000)
    stack.fresh()
    _accept(n)
    with stack.sql() as sql:
        sql.execute("VACUUM ANALYZE")
    with stack.workers():
        _wait(stack, n)
    theirs = peer.run("drain", N=n)["msg_s"] if peer else None
    return Result("drain", "msg/s", n / _verify(stack, n), theirs, "higher", n)


def _accept(n: int) -> None:
    from messaging.services.sending import Draft, send_direct

    sender, others = load.people()
    draft = Draft(content=load.CONTENT, encrypted=True)
    for i in range(n):
        send_direct(sender=sender, recipient_id=others[i % len(others)].pk, draft=draft)


def _wait(stack: Stack, n: int) -> None:
    deadline = time.monotonic() + LIMIT
    with stack.sql() as sql:
        while time.monotonic() < deadline:
            # Only the last step is counted while it runs: cheap enough not to be in the figure.
            row = sql.execute(
                "SELECT count(*) FROM jobs WHERE kind = 'index-message' AND state = 'completed'"
            ).fetchone()
            if row and row[0] == n and not _open(stack):
                return
            time.sleep(0.25)
    raise RuntimeError("the drain did not end in time")


def _open(stack: Stack) -> int:
    with stack.sql() as sql:
        row = sql.execute("SELECT count(*) FROM jobs WHERE state <> 'completed'").fetchone()
    return int(row[0]) if row else 0


def _verify(stack: Stack, n: int) -> float:
    """The seconds that it took, after every message passed every step exactly once."""
    with stack.sql() as sql:
        row = sql.execute(
            """SELECT (SELECT count(*) FROM message_deliveries), (SELECT count(*) FROM notifications),
                      (SELECT count(*) FROM message_search),
                      (SELECT count(*) FROM messages m JOIN conversation_keys k ON k.id = m.key_id),
                      (SELECT extract(epoch FROM max(finished_at) - min(started_at)) FROM jobs)"""
        ).fetchone()
    assert row is not None
    if set(row[:4]) != {n}:
        raise RuntimeError(f"not correct: expected {n}, got {row[:4]}")
    return float(row[4])
