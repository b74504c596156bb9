"""Workers killed, Redis wiped, PostgreSQL crashed in the middle of the work: nothing is lost."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.cluster import Cluster
from tests.system.waiting import wait_until

pytestmark = pytest.mark.faults

HOME = Path(__file__).resolve().parent.parent.parent / ".local" / "faults"
UNFINISHED = "select count(*) from jobs where state in ('blocked', 'waiting', 'active')"
STEPS = {"encryption", "delivery", "notification", "indexing"}


@pytest.fixture(scope="module")
def servers() -> Iterator[Cluster]:
    cluster = Cluster(HOME)
    try:
        yield cluster.start()
    finally:
        cluster.stop()


@pytest.fixture
def cluster(servers: Cluster) -> Cluster:
    servers.empty()
    return servers


def acknowledged(client: subprocess.Popen[bytes]) -> tuple[float, list[str]]:
    """How long the client's slowest transaction took, and what was acknowledged to it."""
    out, _ = client.communicate(timeout=60)
    longest, *runs = out.decode().split()
    return float(longest), runs


def quiet(cluster: Cluster, seconds: float = 20) -> None:
    """Wait until nothing is left to do."""
    wait_until(lambda: cluster.count(UNFINISHED) == 0, seconds=seconds, pause=0.1)


def progressed(cluster: Cluster, effects: int) -> None:
    wait_until(lambda: cluster.count("select count(*) from effects") >= effects, pause=0.02)


def assert_each_once(cluster: Cluster, runs: list[str]) -> None:
    """Every step of every run had its effect once, and nothing else did."""
    done = cluster.sql("select run::text, step, count(*) from effects group by 1, 2")
    assert {(run, step) for run, step, _ in done} == {(run, step) for run in runs for step in STEPS}
    assert {count for *_, count in done} == {1}
    assert cluster.sql("select state, count(*) from jobs group by 1") == [
        ("completed", 4 * len(runs))
    ]
    assert cluster.count("select count(*) from accepted") == len(runs)


def test_everything_at_once_loses_and_doubles_nothing(cluster: Cluster) -> None:
    with cluster.worker(count=2) as worker:
        client = cluster.start_runs(500, seconds=5)
        for number, effects in enumerate((100, 300, 500, 700, 900)):
            progressed(cluster, effects)
            cluster.kill9_child(number=number)
        cluster.wipe_redis()
        progressed(cluster, 1000)
        cluster.restart_postgres()
        progressed(cluster, 1100)
        cluster.kill9()
        _, runs = acknowledged(client)
        quiet(cluster)

    assert len(runs) == 500 and worker.starts > 1
    assert_each_once(cluster, runs)
