"""The load test, small, against real processes."""

import json
import subprocess
import sys

import pytest

from tests.system.environment import ROOT
from tests.system.system import System

pytestmark = pytest.mark.journey


@pytest.mark.req("S151", "S162")
def test_a_load_test_accounts_for_every_message_at_every_step(system: System) -> None:
    command = [sys.executable, "manage.py", "loadtest", "--messages=200", "--clients=4", "--json"]

    done = subprocess.run(
        command, cwd=ROOT, env=system.environment, stdout=subprocess.PIPE, timeout=120
    )

    report = json.loads(done.stdout)
    assert done.returncode == 0, report
    assert (report["sent"], report["once"], report["lost"], report["twice"]) == (200, 200, 0, 0)
    counts = {stage["name"]: (stage["count"], stage["lost"]) for stage in report["stages"]}
    steps = ("accept", "encrypt-decrypt", "send-message", "plan-notifications", "index-message")
    assert counts == dict.fromkeys(steps, (200, 0))
    assert all(stage["p50"] <= stage["p95"] <= stage["p99"] for stage in report["stages"])
