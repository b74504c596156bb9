"""ingest: single POSTs accepted per second, workers idle, 32 connections for 10 seconds."""

import re
import subprocess
from pathlib import Path

from bench import load
from bench.peer import Peer
from bench.result import Result
from bench.stack import HOME, Stack, require

LUA = """
local n = 0
local bodies = {}
for line in io.lines(os.getenv("BODIES")) do bodies[#bodies + 1] = line end
local headers = { ["Content-Type"] = "application/json",
                  ["Authorization"] = "Bearer " .. os.getenv("TOKEN") }
request = function()
  n = n + 1
  headers["Idempotency-Key"] = os.getenv("RUN") .. "-" .. n
  return wrk.format("POST", nil, headers, bodies[n % #bodies + 1])
end
"""


def run(stack: Stack, peer: Peer | None) -> Result:
    """Requests accepted per second."""
    stack.fresh()
    token, bodies = _prepare()
    with stack.web() as url:
        _wrk(url, token, bodies, seconds=1)  # warm up
        ours, accepted = _wrk(url, token, bodies, seconds=10)
    _verify(stack, accepted)
    theirs = peer.run("ingest")["req_s"] if peer else None
    return Result("ingest", "req/s", ours, theirs, "higher", accepted)


def _prepare() -> tuple[str, Path]:
    import json

    from messaging.services import accounts

    sender, others = load.people()
    lines = [
        json.dumps({"recipientId": str(user.pk), "content": load.CONTENT, "encrypted": True})
        for user in others
    ]
    bodies = HOME / "bodies"
    bodies.write_text("\n".join(lines))
    return accounts.open_session(user=sender, user_agent="bench").access, bodies


def _wrk(url: str, token: str, bodies: Path, *, seconds: int) -> tuple[float, int]:
    script = HOME / "post.lua"
    script.write_text(LUA)
    command = [require("wrk"), "-t1", "-c32", f"-d{seconds}s", "--latency", "-s", str(script)]
    done = subprocess.run(
        [*command, f"{url}/api/v1/messages/direct"],
        env={"TOKEN": token, "BODIES": str(bodies), "RUN": str(seconds)},
        capture_output=True,
        check=True,
        text=True,
    )
    if refused := re.search(r"Non-2xx.*: (\d+)", done.stdout):
        raise RuntimeError(f"{refused[1]} sends were refused")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    total = re.search(r"(\d+) requests in", done.stdout)
    assert rate and total
    return float(rate[1]), int(total[1])


def _verify(stack: Stack, accepted: int) -> None:
    """Every answered send is there once, its seq without a gap."""
    with stack.sql() as sql:
        row = sql.execute(
            "SELECT count(*), (SELECT count(*) FROM events), (SELECT sum(head_seq) FROM conversations)"
            " FROM messages"
        ).fetchone()
    assert row is not None
    if not row[0] >= accepted or len(set(row)) != 1:
        raise RuntimeError(f"not correct: {accepted} answered, rows {row}")
