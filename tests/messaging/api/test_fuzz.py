"""Every operation of the published schema, called with what it allows and with what it does not.

Schemathesis makes the cases and holds the answers to the schema: status, type, headers, shape. It is
bounded here; `make fuzz` gives each phase 900 cases and more.
"""

import os
from collections.abc import Iterable
from typing import Any

import pytest
import schemathesis
from django.db import connections
from schemathesis import engine
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events

from config.wsgi import application
from messaging.models import User
from messaging.services import accounts
from tests.messaging.api.calls import direct
from tests.messaging.api.conftest import Client
from tests.messaging.api.contract import schema as published

CASES = int(os.environ.get("FUZZ_CASES", "150"))  # at least, of each phase
SEED = int(os.environ.get("FUZZ_SEED", "1"))
STEPS = 7  # of a walk along the links between operations: what one has answered, another is given
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
PHASES = ("coverage", "fuzzing", "stateful")
TOKEN = "of-whoever-asks"


class Caller:
    """The application as *user* calls it: one whose session has been ended by a case logs in again."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.token = ""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        def start(status: str, *rest: Any) -> Any:
            if status.startswith("401") and mine:
                self.token = ""
            connections.close_all()  # cases are run by a thread of the engine
            return start_response(status, *rest)

        mine = environ.get("HTTP_AUTHORIZATION") == f"Bearer {TOKEN}"
        if mine:
            self.token = self.token or accounts.open_session(user=self.user).access
            environ["HTTP_AUTHORIZATION"] = f"Bearer {self.token}"
        return application(environ, start)


def configured(phase: str) -> SchemathesisConfig:
    """One *phase* and the checks above, with as many examples as make CASES."""
    operations = sum(len(each) for each in published()["paths"].values())
    # A walk is one case at the least; the other phases make as many for each operation.
    examples = 1 + (CASES if phase == "stateful" else 5 * CASES // (4 * operations))
    phases: dict[str, Any] = {name: {"enabled": name == phase} for name in (*PHASES, "examples")}
    phases["stateful"]["max-steps"] = STEPS
    return SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "headers": {"Authorization": f"Bearer {TOKEN}"},
            "continue-on-failure": True,
            "generation": {"max-examples": examples, "database": "none"},
            "checks": {"enabled": False} | {name: {"enabled": True} for name in CHECKS},
            "phases": phases,
        }
    )


@pytest.mark.req("S112", "S153")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("phase", PHASES)
def test_no_case_of_a_phase_breaks_a_promise(
    client: Client, alice: User, bob: User, phase: str
) -> None:
    alice.tenant.limits = {"sends": 0, "calls": 0, "tenantSends": 0}
    alice.tenant.save()
    direct(client(alice), bob)
    schema = schemathesis.openapi.from_wsgi(
        "/api/schema?format=json", Caller(alice), config=configured(phase)
    )

    cases, broken = 0, []
    for event in engine.from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            broken.append(repr(event))
        if isinstance(event, events.ScenarioFinished):
            cases += len(event.recorder.interactions)
            broken += failures(event.recorder)

    assert broken == []
    assert cases >= CASES


def failures(recorder: Any) -> list[str]:
    """What was promised and not kept, with the request that shows it."""
    return [
        f"{check.name} of {recorder.label}: {check.failure_info.failure.message}\n"
        f"{check.failure_info.code_sample}"
        for checks in recorder.checks.values()
        for check in checks
        if check.failure_info is not None
    ]
