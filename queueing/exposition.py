"""The ledger as metrics, read anew at each scrape: in Prometheus's form, or as OpenMetrics.

Nothing is counted in a process, so every web process says the same and none has to be found. Labels
are queues, states and codes of ours: never a tenant, an id or a text.
"""

import platform
from collections.abc import Iterable, Iterator

from django.conf import settings
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from queueing import counts, health, lanes, metrics, wakeup
from queueing.queues import QUEUES

STATES = ("waiting", "active", "delayed", "paused", "failed")
STATUSES = ("healthy", "degraded", "unhealthy", "paused")
Samples = Iterable[tuple[list[str], float]]


class Ledger(Collector):
    """What a scrape collects."""

    def collect(self) -> Iterator[Metric]:
        """Every metric, as of now."""
        yield from of_jobs()
        yield from of_queues()
        yield from of_what_was_done()
        yield from of_the_system()


def registry() -> CollectorRegistry:
    """What is exposed: the ledger's metrics and nothing of the process that answers."""
    made = CollectorRegistry()
    made.register(Ledger())
    return made


def of_jobs() -> Iterator[Metric]:
    """What there is to do, and since when."""
    stats = metrics.snapshot()["queues"]
    yield gauge(
        "messaging_jobs",
        "Jobs in the ledger by state; failed ones are dead letters.",
        ["queue", "state"],
        (
            ([queue.name, state], stats[queue.key][state])  # type: ignore[literal-required]
            for queue in QUEUES
            for state in STATES
        ),
    )
    yield gauge(
        "messaging_queue_oldest_seconds",
        "How long the oldest due job has been waiting.",
        ["queue"],
        (([queue.name], stats[queue.key]["oldestSeconds"]) for queue in QUEUES),
    )


def of_queues() -> Iterator[Metric]:
    """How each queue stands."""
    found = health.everything()["queues"]
    standing = {each.queue: each for each in lanes.standings()}
    yield gauge(
        "messaging_queue_paused",
        "1 while the queue is paused.",
        ["queue"],
        (([queue.name], standing[queue].paused) for queue in QUEUES),
    )
    yield gauge(
        "messaging_queue_health",
        "1 for the status that the queue has.",
        ["queue", "status"],
        (
            ([queue.name, status], found[queue.key]["status"] == status)
            for queue in QUEUES
            for status in STATUSES
        ),
    )
    yield gauge(
        "messaging_workers",
        "Living workers that serve the queue.",
        ["queue"],
        (([queue.name], found[queue.key]["workers"]) for queue in QUEUES),
    )


def of_what_was_done() -> Iterator[Metric]:
    """What became of jobs since the beginning."""
    totals = counts.totals()
    yield counter(
        "messaging_jobs_finished",
        "Tries that ended: completed, failed for good, to be retried, crashed.",
        ["queue", "outcome"],
        (
            ([queue.name, outcome], getattr(totals[queue], outcome))
            for queue in QUEUES
            for outcome in counts.OUTCOMES
        ),
    )
    yield counter(
        "messaging_jobs_busy_seconds",
        "Seconds spent on completed jobs.",
        ["queue"],
        (([queue.name], totals[queue].seconds) for queue in QUEUES),
    )


def of_the_system() -> Iterator[Metric]:
    """What all of it runs on."""
    yield gauge("messaging_redis_up", "1 if Redis answers.", [], [([], wakeup.answers())])
    yield gauge(
        "messaging_build_info",
        "1; the labels say what runs.",
        ["version", "python"],
        [([settings.VERSION, platform.python_version()], 1)],
    )


def gauge(name: str, text: str, labels: list[str], samples: Samples) -> GaugeMetricFamily:
    """A metric that goes up and down."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, number in samples:
        family.add_metric(values, float(number))
    return family


def counter(name: str, text: str, labels: list[str], samples: Samples) -> CounterMetricFamily:
    """A metric that only grows; its samples end in `_total`."""
    family = CounterMetricFamily(name, text, labels=labels)
    for values, number in samples:
        family.add_metric(values, float(number))
    return family
