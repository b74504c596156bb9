"""The published schema: valid, complete, and the one that is committed."""

import re
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command
from django.test import Client as Browser

from config.urls import urlpatterns
from messaging.api.urls import urlpatterns as api
from tests.messaging.api.contract import schema

COMMITTED = Path(__file__).parents[3] / "docs" / "openapi.yaml"
METHODS = {"get", "put", "post", "delete", "patch"}


def test_the_schema_has_no_warnings_and_is_valid(tmp_path: Path) -> None:
    call_command("spectacular", fail_on_warn=True, validate=True, file=str(tmp_path / "a.yaml"))


@pytest.mark.req("S153")
def test_the_committed_schema_is_the_served_one() -> None:
    served = yaml.safe_load(Browser().get("/api/schema").content)

    assert served == yaml.safe_load(COMMITTED.read_text()), "run `manage.py spectacular`"


def test_every_address_is_in_the_schema_under_one_prefix() -> None:
    assert urlpatterns
    assert all(path.startswith("/api/v1/") for path in schema()["paths"])
    documented = {re.sub(r"{\w+}", "{}", path) for path in schema()["paths"]}
    ours = {"/api/v1/" + re.sub(r"<\w+:\w+>", "{}", str(one.pattern)) for one in api}
    assert ours <= documented


def test_every_operation_says_what_it_refuses_and_who_may_call() -> None:
    for path, operations in schema()["paths"].items():
        for method in METHODS & operations.keys():
            operation = operations[method]
            assert any(status.startswith("4") for status in operation["responses"]), path
            assert operation.get("security") or path.startswith("/api/v1/auth/"), path
            assert operation["operationId"] and operation["summary"], path


def test_names_on_the_wire_are_in_camel_case() -> None:
    for name, component in schema()["components"]["schemas"].items():
        for field in component.get("properties", {}):
            assert "_" not in field or name.endswith("QueueMetrics"), f"{name}.{field}"
    assert not any("_" in path for path in schema()["paths"])


def test_requests_take_no_field_that_they_do_not_know() -> None:
    requests = {
        name: component
        for name, component in schema()["components"]["schemas"].items()
        if name.endswith("Request")
    }

    assert len(requests) >= 7
    assert all(component["additionalProperties"] is False for component in requests.values())


@pytest.mark.parametrize("path", ["/api/schema", "/api/docs"])
def test_the_documents_are_served_and_load_nothing_from_elsewhere(path: str) -> None:
    answer = Browser().get(path)

    assert answer.status_code == 200
    assert b"//cdn" not in answer.content
