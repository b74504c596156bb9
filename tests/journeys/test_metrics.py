"""The metrics of a running system: scraped from this machine, and by nobody through a proxy."""

import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from queueing.queues import QUEUES
from tests.journeys.walk import Walk
from tests.system.system import System
from tests.system.waiting import wait_until

pytestmark = [pytest.mark.journey, pytest.mark.req("S127")]


def scrape(system: System, **headers: str) -> str:
    request = urllib.request.Request(f"{system.web}/metrics", headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def finished(system: System) -> dict[str, float]:
    """The completed jobs of each queue."""
    return {
        sample.labels["queue"]: sample.value
        for family in text_string_to_metric_families(scrape(system))
        for sample in family.samples
        if sample.name == "messaging_jobs_finished_total"
        and sample.labels["outcome"] == "completed"
    }


def test_a_message_is_counted_and_every_queue_is_served(system: System) -> None:
    before = finished(system)
    Walk(system, ("bob",), True).go().jobs()

    wait_until(lambda: finished(system)["message-delivery"] > before["message-delivery"])
    workers = {
        sample.labels["queue"]: sample.value
        for family in text_string_to_metric_families(scrape(system))
        for sample in family.samples
        if sample.name == "messaging_workers"
    }
    assert workers == {queue.name: 1 for queue in QUEUES}


def test_what_a_proxy_passes_on_is_refused(system: System) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        scrape(system, **{"X-Forwarded-For": "127.0.0.1"})

    assert refused.value.code == 403
