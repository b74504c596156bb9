"""/metrics: what the ledger says, in Prometheus's forms, to whom it is meant for."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from queueing import maintenance, wakeup
from queueing.errors import Permanent
from queueing.executor import drain
from queueing.ids import uuid7
from queueing.jobs import Batch
from queueing.lanes import Identity
from queueing.models import LaneControl
from queueing.postgres import execute
from queueing.queues import BATCH, CLEANUP, DELIVERY, QUEUES
from tests.queueing.kinds import PROBE, TENANT, Script, new

pytestmark = [pytest.mark.django_db, pytest.mark.req("S127", "S129")]
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(autouse=True)
def redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One that answers."""
    monkeypatch.setattr(wakeup, "answers", lambda: True)
    yield


def fail(batch: Batch) -> None:
    raise Permanent(code="gone")


def scrape(**headers: str) -> Any:
    return Client().get("/metrics", headers=headers)


def samples() -> Samples:
    """What a scrape says, by name and labels."""
    families = prometheus(scrape().content.decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(name: str, **labels: str) -> float:
    return samples()[name, frozenset(labels.items())]


def test_jobs_are_counted_by_queue_and_state(script: Script) -> None:
    PROBE.enqueue_many([new() for _ in range(3)])
    PROBE.enqueue(tenant_id=TENANT, args={}, run_at=timezone.now() + timedelta(hours=1))
    execute("UPDATE jobs SET run_at = now() - interval '7 s' WHERE run_at <= now()")

    assert value("messaging_jobs", queue="message-delivery", state="waiting") == 3
    assert value("messaging_jobs", queue="message-delivery", state="delayed") == 1
    assert value("messaging_queue_oldest_seconds", queue="message-delivery") == pytest.approx(
        7, 0.2
    )


def test_what_was_done_only_grows_also_when_old_minutes_are_summed_up(script: Script) -> None:
    PROBE.enqueue_many([new() for _ in range(3)])
    drain(DELIVERY)
    script.run = fail
    PROBE.enqueue_many([new()])
    drain(DELIVERY)
    execute("UPDATE queue_minutes SET minute = minute - interval '50 days'")

    for _ in range(2):
        name, queue = "messaging_jobs_finished_total", "message-delivery"
        assert value(name, queue=queue, outcome="completed") == 3
        assert value(name, queue=queue, outcome="failed") == 1
        assert value("messaging_jobs_busy_seconds_total", queue=queue) > 0
        maintenance.prune()


def test_it_says_who_serves_a_queue_and_how_it_is() -> None:
    Identity(uuid7(), "all@here", 2, (DELIVERY, BATCH)).beat()
    LaneControl.objects.create(queue=BATCH.name)

    for queue, workers, paused, status in (
        (DELIVERY, 1, 0, "healthy"),
        (BATCH, 1, 1, "paused"),
        (CLEANUP, 0, 0, "unhealthy"),
    ):
        assert value("messaging_workers", queue=queue.name) == workers
        assert value("messaging_queue_paused", queue=queue.name) == paused
        found = samples()
        told = {
            dict(labels)["status"]: number
            for (name, labels), number in found.items()
            if name == "messaging_queue_health" and dict(labels)["queue"] == queue.name
        }
        assert told == dict.fromkeys(told, 0) | {status: 1} and len(told) == 4


def test_labels_are_queues_states_and_codes(script: Script) -> None:
    PROBE.enqueue(tenant_id=TENANT, args={"messageId": "canary"})
    text = scrape().content.decode()

    assert str(TENANT) not in text and "canary" not in text
    queues = {labels["queue"] for _, found in samples() if "queue" in (labels := dict(found))}
    assert queues == {queue.name for queue in QUEUES}


def test_both_forms_are_spoken() -> None:
    open_form = scrape(accept="application/openmetrics-text; version=1.0.0")

    assert open_form["Content-Type"].startswith("application/openmetrics-text")
    names = {family.name for family in open_metrics(open_form.content.decode())}
    assert {"messaging_jobs", "messaging_jobs_finished", "messaging_build_info"} <= names
    plain = scrape()
    assert plain["Content-Type"].startswith("text/plain")
    assert "no-store" in plain["Cache-Control"]


@pytest.mark.parametrize("address", ["10.0.0.7", "::ffff:10.0.0.7", "", "unknown"])
def test_without_a_token_only_this_machine_is_answered(address: str) -> None:
    assert Client().get("/metrics", REMOTE_ADDR=address).status_code == 403
    assert Client().get("/metrics", REMOTE_ADDR="::1").status_code == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Forwarded-Host"])
def test_a_proxy_on_this_machine_is_not_this_machine(header: str) -> None:
    assert scrape(**{header: "127.0.0.1"}).status_code == 403


def test_with_a_token_it_is_the_token_that_counts(settings: Any) -> None:
    settings.METRICS_TOKEN = "s3cret"

    def ask(authorization: str) -> Any:
        return Client().get(
            "/metrics", REMOTE_ADDR="10.0.0.7", headers={"authorization": authorization}
        )

    for wrong in ("", "s3cret", "Bearer", "Bearer s3cre", "Basic s3cret", "Bearer \ud83d"):
        answer = ask(wrong)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer"), wrong
    assert scrape().status_code == 401
    assert ask("Bearer s3cret").status_code == 200


def test_nothing_but_reading() -> None:
    assert Client().post("/metrics").status_code == 405


def test_without_postgresql_it_says_so_and_no_more() -> None:
    with patch("queueing.counts.fetch", side_effect=OperationalError("host 10.0.0.1 is down")):
        answer = scrape()

    assert (answer.status_code, b"10.0.0.1" in answer.content) == (503, False)
