"""The rules of the house that no linter knows."""

import ast
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command

from config.programs import LANES
from queueing.queues import BY_NAME, QUEUES
from tests.requirements import proofs

ROOT = Path(__file__).resolve().parent.parent
APPS = ("config", "crypto_core", "queueing", "messaging")
LONGEST_FILE, LONGEST_FUNCTION = 300, 50
BANNED_WORDS = {"common", "handler", "helper", "manager", "misc", "processor", "util"}
ENVIRONMENT = re.compile(r"\benv\.(?:text|secret|integer|flag|words|choice)\(\s*\"([A-Z0-9_]+)\"")
OWN_ENVIRONMENT = re.compile(r"(?<![\w.])(?:text|secret|integer)\(\s*[\"']([A-Z0-9_]+)[\"']")
NOT_IN_COMPOSE = ("DEBUG", "REDIS_QUEUE_DB", "WS_PORT")  # off, and as its own services have them
Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def trees(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in sources(*folders):
        yield path.relative_to(ROOT), ast.parse(path.read_text())


def compose() -> dict[str, dict[str, dict[str, object]]]:
    loaded: dict[str, dict[str, dict[str, object]]] = yaml.safe_load(
        (ROOT / "docker-compose.yml").read_text()
    )
    return loaded


def queues_of(service: dict[str, object]) -> list[str]:
    """The queues that a service of docker-compose.yml works on."""
    command = service.get("command", "")
    words = shlex.split(command) if isinstance(command, str) else []
    return [name for word in words if word.startswith("--queues=") for name in word[9:].split(",")]


def test_no_file_is_longer_than_its_limit() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in sources(*APPS, "tests")}

    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_function_is_longer_than_its_limit() -> None:
    long = [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in trees(*APPS, "tests")
        for node in ast.walk(tree)
        if isinstance(node, Function)
        and (node.end_lineno or node.lineno) - node.lineno + 1 > LONGEST_FUNCTION
    ]

    assert long == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        path for path, tree in trees(*APPS, "tests") if tree.body and not ast.get_docstring(tree)
    ]

    assert silent == []


def test_no_file_is_named_after_nothing() -> None:
    words = {path: set(re.split(r"_|s$|\b", path.stem)) for path in sources(*APPS)}

    assert {path for path, found in words.items() if found & BANNED_WORDS} == set()


@pytest.mark.req("S40")
def test_nothing_is_left_to_be_written() -> None:
    left = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b|# stub")

    assert [path for path in sources(*APPS) if left.search(path.read_text())] == []


@pytest.mark.req("S159")
def test_types_and_layers_are_checked_to_the_last_module() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    stacks = [each for each in tools["importlinter"]["contracts"] if "containers" in each]
    makefile = (ROOT / "Makefile").read_text()

    assert tools["mypy"]["strict"] and {"messaging", "queueing", "crypto_core"} <= set(
        tools["mypy"]["packages"]
    )
    assert {name for each in stacks for name in each["containers"] if each["exhaustive"]} == {
        "messaging",
        "queueing",
        "crypto_core",
    }
    assert "bin/mypy" in makefile and "bin/lint-imports" in makefile


def test_nineteen_encryption_tests_and_fifteen_wiring_checks_are_there() -> None:
    parts = {"S141": 3, "S142": 2, "S143": 2, "S144": 3, "S145": 2, "S146": 3, "S147": 2, "S148": 2}
    suites = {f"{suite}.{n}" for suite, count in parts.items() for n in range(1, count + 1)}
    checks = re.findall(r"^def test_(\d\d)_", (ROOT / "tests/test_wiring.py").read_text(), re.M)

    assert len(suites) == 19 and suites <= proofs().keys()
    assert checks == [f"{number:02}" for number in range(1, 16)]


def test_celery_is_never_trusted_with_time_or_retries() -> None:
    calls = [
        (path, node)
        for path, tree in trees(*APPS)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    ]
    timed = [
        f"{path}:{node.lineno}"
        for path, node in calls
        if {keyword.arg for keyword in node.keywords}
        & {"countdown", "eta", "autoretry_for", "retry_backoff"}
    ]
    retried = [f"{path}:{node.lineno}" for path, node in calls if is_task_retry(node.func)]

    assert timed + retried == []


def is_task_retry(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and function.attr == "retry"
        and isinstance(function.value, ast.Name)
        and function.value.id in {"self", "task"}
    )


def test_edges_reach_rows_only_through_their_owner() -> None:
    direct = [
        path
        for path in sources("messaging/api", "messaging/realtime")
        if ".objects.get(" in path.read_text()
    ]

    assert direct == []


@pytest.mark.req("S140")
def test_every_variable_that_is_read_is_in_the_example() -> None:
    read = {
        name for path in sources(*APPS) for name in ENVIRONMENT.findall(path.read_text())
    } | set(OWN_ENVIRONMENT.findall((ROOT / "config/env.py").read_text()))
    named = {queue.variable for queue in QUEUES}

    assert (read | named) - example() == set()


@pytest.mark.django_db
def test_every_change_of_a_model_has_its_migration() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.req("S2", "S3", "S4", "S5", "S6", "S7")
@pytest.mark.skipif(not (ROOT / "README.md").exists(), reason="there is no README.md")
def test_the_readme_shows_the_six_queues_as_they_are() -> None:
    rows = re.findall(r"^\|.*`([a-z-]+)`(.*)\|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    shown = {name: [int(n) for n in re.findall(r"\d+", rest)] for name, rest in rows}

    for queue in QUEUES:
        numbers = [queue.concurrency, queue.attempts, int(queue.base), queue.timeout]
        assert shown[queue.name] == numbers, queue.name


def test_workers_that_share_serve_every_queue_once() -> None:
    served = [queue for queues, _ in LANES.values() for queue in queues]

    assert sorted(queue.name for queue in served) == sorted(BY_NAME)


def test_compose_serves_the_lanes_of_make_run() -> None:
    services = compose()["services"]

    for name, (queues, processes) in LANES.items():
        assert queues_of(services[name]) == [queue.name for queue in queues]
        assert f"--concurrency={processes} " in str(services[name]["command"])


@pytest.mark.req("S8", "S21")
def test_a_profile_of_compose_has_a_worker_for_each_queue() -> None:
    services = compose()["services"]
    own = {name: one for name, one in services.items() if one.get("profiles") == ["per-queue"]}

    assert {name: queues_of(one) for name, one in own.items()} == {
        queue.lane: [queue.name] for queue in QUEUES
    }
    for queue in QUEUES:
        wanted = f"--concurrency=${{{queue.variable}:-{queue.concurrency}}}"
        assert wanted in str(own[queue.lane]["command"])


@pytest.mark.req("S155")
def test_what_compose_refers_to_exists() -> None:
    loaded = compose()
    services = loaded["services"]
    for name, service in services.items():
        waits, volumes = service.get("depends_on", {}), service.get("volumes", [])
        assert isinstance(waits, dict) and isinstance(volumes, list)
        assert set(waits) <= set(services), name
        assert {volume.split(":")[0] for volume in volumes} <= set(loaded["volumes"]), name
        assert "healthcheck" in service or name == "migrate", name


def test_compose_asks_only_for_what_is_in_the_example() -> None:
    asked = set(re.findall(r"\$\{([A-Z0-9_]+)", (ROOT / "docker-compose.yml").read_text()))

    assert asked - example() == set()


def test_compose_passes_on_every_setting() -> None:
    pages = ("config/settings.py", "config/providers.py")
    read = {name for page in pages for name in ENVIRONMENT.findall((ROOT / page).read_text())}
    services = compose()["services"]
    passed = {name for each in ("web", "hot") for name in mapping(services[each]["environment"])}

    assert read - passed - set(NOT_IN_COMPOSE) == set()


def example() -> set[str]:
    text = (ROOT / ".env.example").read_text()
    return set(re.findall(r"^([A-Z0-9_]+)=", text, re.MULTILINE))


def mapping(value: object) -> dict[str, object]:
    assert isinstance(value, dict)
    return value
