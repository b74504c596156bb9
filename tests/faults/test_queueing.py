"""Workers killed, Redis wiped, PostgreSQL crashed in the middle of the work: nothing is lost."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from queueing.queues import DELIVERY, ENCRYPTION
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


def quiet(cluster: Cluster, seconds: float = 40) -> None:
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


@pytest.mark.req("S18", "S21")
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


def states(cluster: Cluster, runs: list[str]) -> list[tuple[str, str, int, int]]:
    """Kind, state, attempts and crashes of the jobs of *runs*."""
    return cluster.sql(
        "select kind, state, attempts, crashes from jobs where run_id = any(%s::uuid[])"
        " order by id",
        runs,
    )


def test_a_killer_and_poison_die_and_harm_nobody_else(cluster: Cluster) -> None:
    with cluster.worker():
        killer = acknowledged(cluster.start_runs(60, bad=1, killer="delivery"))[1]
        poison = acknowledged(cluster.start_runs(60, bad=1, poison="delivery"))[1]
        dead = "select count(*) from jobs where state = 'failed'"
        wait_until(lambda: cluster.count(dead) == 2, seconds=25)
        wait_until(lambda: cluster.count(f"{UNFINISHED} and state <> 'blocked'") == 0)

    well = killer[:-1] + poison[:-1]
    assert {row[1] for row in states(cluster, well)} == {"completed"}
    assert cluster.count("select count(*) from effects where run = any(%s::uuid[])", well) == 480
    assert states(cluster, killer[-1:])[1] == ("fault-delivery", "failed", 0, 6)
    assert states(cluster, poison[-1:])[1][:3] == ("fault-delivery", "failed", 1)
    outcomes = "select distinct outcome from job_attempts a join jobs j on j.id = a.job_id"
    assert cluster.sql(f"{outcomes} where j.state = 'failed' and j.crashes = 6") == [("crash",)]


def test_a_worker_that_is_asked_to_end_loses_nothing(cluster: Cluster) -> None:
    with cluster.worker() as worker:
        client = cluster.start_runs(200, seconds=3)
        for starts, effects in enumerate((100, 400), start=2):
            progressed(cluster, effects)
            worker.ask_to_end()
            wait_until(lambda starts=starts: worker.starts == starts)
        _, runs = acknowledged(client)
        quiet(cluster)

    assert_each_once(cluster, runs)


@pytest.mark.req("S18", "S23")
def test_without_redis_the_sweeper_does_the_work(cluster: Cluster) -> None:
    with cluster.worker():
        cluster.stop_redis()
        try:
            longest, runs = acknowledged(cluster.start_runs(100, seconds=1))
            quiet(cluster)
        finally:
            cluster.start_redis()

    assert longest < 1
    assert_each_once(cluster, runs)


def test_a_frozen_redis_holds_up_no_sender(cluster: Cluster) -> None:
    with cluster.worker():
        with cluster.frozen_redis():
            longest, runs = acknowledged(cluster.start_runs(100, seconds=2))
        quiet(cluster)

    assert longest < 1
    assert_each_once(cluster, runs)


def test_lanes_whose_worker_is_away_are_worked_by_another(cluster: Cluster) -> None:
    with cluster.worker(queues=[ENCRYPTION, DELIVERY]):
        _, runs = acknowledged(cluster.start_runs(100))
        quiet(cluster)

    assert_each_once(cluster, runs)


@pytest.mark.req("S18", "S23")
def test_workers_outlive_a_restart_of_postgres(cluster: Cluster) -> None:
    with cluster.worker() as worker:
        _, first = acknowledged(cluster.start_runs(50))
        quiet(cluster)
        before = {each.pid for each in cluster.running("hot")}
        cluster.restart_postgres(seconds=2)
        _, second = acknowledged(cluster.start_runs(50))
        quiet(cluster)
        after = {each.pid for each in cluster.running("hot")}

    assert before == after and worker.starts == 1
    assert_each_once(cluster, first + second)


@pytest.mark.req("S15")
@pytest.mark.parametrize(("step", "effects", "timeouts"), [("encryption", 80, 4), ("call", 83, 1)])
def test_a_slow_step_is_cut_off_at_its_queues_time(
    cluster: Cluster, step: str, effects: int, timeouts: int
) -> None:
    # The limit travels with the wake-up: client and worker are to agree on it.
    with cluster.with_variables(FAULTS_TIME_LIMIT="1.5"), cluster.worker():
        _, runs = acknowledged(cluster.start_runs(20, bad=1, timeout=step))
        tried = "select 1 from jobs where attempts > 0 and state = 'waiting' and kind = %s"
        wait_until(lambda: cluster.sql(tried, f"fault-{step}"), seconds=25)
        wait_until(lambda: cluster.count("select count(*) from effects") == effects)

    assert {row[1] for row in states(cluster, runs[:-1])} == {"completed"}
    outcome = "select count(*) from job_attempts where outcome = 'timeout'"
    assert cluster.count(outcome) >= timeouts


def test_the_wake_up_is_a_chain_of_drains_without_arguments(cluster: Cluster) -> None:
    with cluster.with_variables(FAULTS_RECORD_DRAINS="1"), cluster.worker():
        _, runs = acknowledged(cluster.start_runs(1))
        quiet(cluster)
        drains = (
            "select name, id, root, parent, args, result from drains where result like 'done=1%%'"
        )
        rows = wait_until(lambda: len(found := cluster.sql(f"{drains} order by at")) == 4 and found)

    roots = {name: (root, parent) for name, _, root, parent, *_ in rows}
    ids = {name: id_ for name, id_, *_ in rows}
    assert list(ids)[:2] == ["encryption.drain", "delivery.drain"]
    assert {root for root, _ in roots.values()} == {ids["encryption.drain"]}
    assert roots["delivery.drain"][1] == ids["encryption.drain"]
    assert roots["notification.drain"][1] == ids["delivery.drain"]
    assert {args for *_, args, _ in rows} == {"[]{}"}
    assert {result for *_, result in rows} == {"done=1 waiting=0 oldest=0.0s"}
    assert_each_once(cluster, runs)
