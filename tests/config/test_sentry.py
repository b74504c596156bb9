"""Sentry is told that something broke and where, and nothing of what it was about."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from django.test import override_settings

from config import checks, sentry
from queueing import context
from queueing.errors import Permanent
from queueing.executor import drain
from queueing.jobs import Batch
from queueing.queues import DELIVERY
from tests.queueing import kinds
from tests.queueing.kinds import PROBE, TENANT, Script

pytestmark = pytest.mark.req("S129")

CANARY = "quetzal in the reading room"
DSN = "https://public@sentry.example/1"


@pytest.fixture
def script() -> Iterator[Script]:
    kinds.script.forget()
    yield kinds.script
    kinds.script.forget()


@pytest.fixture
def sent() -> Iterator[list[dict[str, Any]]]:
    """What would leave, caught by a transport that keeps it."""
    sdk = pytest.importorskip("sentry_sdk", reason="the extra is not installed")
    found: list[dict[str, Any]] = []

    class Kept(sdk.transport.Transport):  # type: ignore[misc, name-defined]
        def capture_envelope(self, envelope: Any) -> None:
            assert CANARY not in str(envelope.serialize())
            found.extend(item.payload.json for item in envelope.items if item.type == "event")

    # The other integrations would change this process for good.
    own = [pytest.importorskip("sentry_sdk.integrations.logging").LoggingIntegration()]
    assert sentry.start(DSN, "0.1.0", transport=Kept, default_integrations=False, integrations=own)
    yield found
    sdk.get_client().close(timeout=0)
    sdk.get_global_scope().set_client(None)


def test_an_error_is_its_type_its_code_its_places_and_ids(sent: list[dict[str, Any]]) -> None:
    import sentry_sdk

    content = CANARY  # a local variable, which the package would send by itself
    with context.about(request_id="r-1", tenant="t-1"):
        sentry_sdk.set_user({"email": content})
        sentry_sdk.set_extra("body", content)
        try:
            raise Permanent(content, code="fcm-unregistered") from ValueError(content)
        except Permanent as error:
            sentry_sdk.capture_exception(error)

    [event] = sent
    errors = event["exception"]["values"]
    assert [each["type"] for each in errors] == ["ValueError", "Permanent"]
    assert [each["value"] for each in errors] == ["", "fcm-unregistered"]
    assert event["tags"] == {"request_id": "r-1", "tenant": "t-1"}
    places = errors[-1]["stacktrace"]["frames"][-1]
    assert places["function"].startswith("test_an_error") and places.keys() <= set(sentry.PLACE)
    assert not {"user", "extra", "request", "server_name", "breadcrumbs"} & event.keys()


def test_a_line_of_the_log_is_told_without_its_text(sent: list[dict[str, Any]]) -> None:
    log = logging.getLogger("a.place")
    log.error("about %s", CANARY, extra={"said": CANARY})

    log.error("about %s", CANARY, extra={"code": "ValueError"})
    log.error("about %s", CANARY, extra={"code": CANARY})

    said = [event["message"] for event in sent]
    assert said == ["An error in a.place", "ValueError in a.place", "An error in a.place"]


@pytest.mark.django_db
def test_a_dead_letter_is_told_with_the_ids_of_its_job(
    sent: list[dict[str, Any]], script: Script
) -> None:
    def fail(batch: Batch) -> None:
        raise Permanent(CANARY, code="fcm-unregistered")

    job = PROBE.enqueue(tenant_id=TENANT, args={"messageId": "m-1"})
    script.run = fail

    drain(DELIVERY)

    [event] = sent
    assert event["message"] == "fcm-unregistered in queueing.turns"
    assert event["tags"].items() >= {"job_id": str(job), "message_id": "m-1"}.items()


def test_without_an_address_nothing_is_imported() -> None:
    program = (
        "import sys; from config import sentry; assert not sentry.start('', '1');"
        "assert 'sentry_sdk' not in sys.modules"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_an_address_without_the_package_is_refused_by_name() -> None:
    with (
        override_settings(SENTRY_DSN=DSN),
        mock.patch.object(sentry, "find_spec", return_value=None),
    ):
        assert not sentry.start(DSN, "1")
        [found] = checks.check_settings(None)

    assert found.id == "config.E006" and "waxwing[sentry]" in str(found.hint)


def test_what_is_sent_is_made_anew_and_not_cut_down() -> None:
    event = {"level": "error", "new_in_3_0": CANARY, "logentry": {"message": CANARY}}

    assert CANARY not in json.dumps(sentry.before_send(event, {}))
