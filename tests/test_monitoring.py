"""What monitoring/ ships fits what /metrics says and what docs/operate.md explains."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).resolve().parent.parent
ALERTS = ROOT / "monitoring" / "alerts.yaml"
DATADOG = ROOT / "monitoring" / "datadog" / "openmetrics.yaml"
NAME = re.compile(r"\bmessaging_\w+")
SELECTOR = re.compile(r"(messaging_\w+)\{(\w+)!?=\"([\w-]+)\"\}")
WANTED = {"NoWorkers", "OldestJobTooOld", "DeadLetters", "FailureRateHigh", "QueueUnhealthy"}

pytestmark = [pytest.mark.django_db, pytest.mark.req("S129")]


def said() -> dict[str, dict[str, set[str]]]:
    """The names of all samples, with the values of their labels."""
    found: dict[str, dict[str, set[str]]] = {}
    for family in text_string_to_metric_families(Client().get("/metrics").content.decode()):
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    return found


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_every_metric_of_an_alert_exists_with_its_labels() -> None:
    metrics = said()
    for rule in rules():
        names = set(NAME.findall(rule["expr"]))
        assert names and names <= metrics.keys(), rule["alert"]
        for name, label, value in SELECTOR.findall(rule["expr"]):
            assert value in metrics[name][label], rule["alert"]


def test_every_alert_leads_to_its_heading() -> None:
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / "operate.md").read_text(), re.MULTILINE)
    names = [rule["alert"] for rule in rules()]

    assert set(names) >= WANTED and len(set(names)) == len(names)
    for rule in rules():
        assert rule["alert"] in headings
        assert rule["annotations"]["runbook"] == f"docs/operate.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"]["summary"]


def test_datadog_asks_for_every_metric_and_for_no_other() -> None:
    [instance] = yaml.safe_load(DATADOG.read_text())["instances"]
    asked = {name for line in instance["metrics"] for name in line}

    assert asked == {name.removesuffix("_total") for name in said()}
    assert instance["openmetrics_endpoint"].endswith("/metrics")


def test_every_metric_is_explained_to_operators() -> None:
    text = (ROOT / "docs" / "operate.md").read_text()

    assert {name for name in said() if f"`{name}`" not in text} == set()


def test_the_version_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert project["version"] == settings.VERSION
