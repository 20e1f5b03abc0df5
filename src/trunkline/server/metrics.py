"""Prometheus metrics of the server. Labels have few values; nothing names a party or a conversation."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from trunkline.edges.http.deps import Observation
from trunkline.services.log.engine import Engine
from trunkline.services.rooms.directory import RoomDirectory
from trunkline.services.search import Searcher
from trunkline.services.sessions.delivery import Delivery
from trunkline.services.sessions.hub import Hub
from trunkline.services.webhooks.system import WebhookSystem

disable_created_metrics()  # type: ignore[no-untyped-call]  # a gauge more for every counter, which nobody reads


class Sized(Protocol):
    """Something with a size on disk."""

    @property
    def size_bytes(self) -> int:
        """Bytes in use."""
        ...


class Totals(Collector):
    """Numbers that are counted elsewhere and only grow: name, explanation, where to read."""

    def __init__(self, *read: tuple[str, str, Callable[[], int]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """Read them."""
        for name, text, read in self._read:
            yield CounterMetricFamily(name, text, value=read())


class RoomMetrics(Collector):
    """What all rooms counted, by message type and outcome; types that rooms declare for themselves are ``x``."""

    def __init__(self, rooms: RoomDirectory) -> None:
        self._rooms = rooms

    def collect(self) -> Iterator[Metric]:
        """Read the counters."""
        messages = CounterMetricFamily(
            "trunkline_room_messages",
            "Messages in rooms: received = refused + sent + dropped + those on their way.",
            labels=["type", "outcome", "reason"],
        )
        deliveries = CounterMetricFamily(
            "trunkline_room_deliveries",
            "Items times connections: delivered, or missed for a reason.",
            labels=["type", "outcome", "reason"],
        )
        for type, counts in sorted(self._rooms.totals().by_type.items()):
            messages.add_metric([type, "received", ""], counts.received)
            messages.add_metric([type, "sent", ""], counts.sent)
            deliveries.add_metric([type, "delivered", ""], counts.delivered)
            for outcome, reasons in (("refused", counts.refused), ("dropped", counts.dropped)):
                for reason, count in sorted(reasons.items()):
                    messages.add_metric([type, outcome, reason], count)
            for reason, count in sorted(counts.missed.items()):
                deliveries.add_metric([type, "missed", reason], count)
        yield messages
        yield deliveries


class WebhookMetrics(Collector):
    """What webhooks did, and how far they are behind."""

    def __init__(self, system: WebhookSystem) -> None:
        self._outbox = system.outbox
        self._answers = system.asking.answers

    def collect(self) -> Iterator[Metric]:
        """Read the counters."""
        outbox, counts = self._outbox, self._outbox.parts.counts
        yield CounterMetricFamily("trunkline_webhook_delivered", "Events accepted.", value=counts.delivered)
        yield CounterMetricFamily("trunkline_webhook_attempts_failed", "Attempts not accepted.", value=counts.failed)
        skipped = "Commit groups trimmed before a webhook read them: their events are lost to it."
        yield CounterMetricFamily("trunkline_webhook_skipped_groups", skipped, value=counts.skipped)
        yield GaugeMetricFamily("trunkline_webhook_backlog_events", "Events that wait.", value=outbox.waiting)
        unread = "Commit groups that the webhook furthest behind has not read."
        yield GaugeMetricFamily("trunkline_webhook_unread_groups", unread, value=outbox.unread_groups)
        oldest = "Age of the oldest event that waits."
        yield GaugeMetricFamily("trunkline_webhook_oldest_age_seconds", oldest, value=outbox.oldest_age_s)
        asked = "Answers of apps that were asked before a message is accepted; none: there was no usable one."
        answers = CounterMetricFamily("trunkline_hook_answers", asked, labels=["answer"])
        for answer in ("accept", "reject", "replace", "none"):
            answers.add_metric([answer], self._answers[answer])
        yield answers
        yield GaugeMetricFamily("trunkline_webhooks_disabled", "Webhooks switched off.", value=outbox.disabled)


class SearchMetrics(Collector):
    """How long searches take, and how far the index is. Nothing where search is switched off."""

    def __init__(self, searcher: Searcher, registry: CollectorRegistry) -> None:
        self._searcher = searcher
        took = Histogram(
            "trunkline_search_seconds",
            "Answered searches, with the look at the log for every hit.",
            registry=registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
        )
        searcher.on_answer = took.observe

    def collect(self) -> Iterator[Metric]:
        """Read where the index is."""
        searcher = self._searcher
        lag = "Commit groups that the search index lacks."
        yield GaugeMetricFamily("trunkline_search_index_lag_groups", lag, value=searcher.lag)
        building = "1 while the search index reads what existed before it."
        yield GaugeMetricFamily("trunkline_search_index_building", building, value=int(searcher.building))
        failed = "1 once the search index stopped."
        yield GaugeMetricFamily("trunkline_search_index_failed", failed, value=int(searcher.failed))


MEDIA = {
    "received": "Datagrams that the packet thread received.",
    "sent": "Packets and reports that it sent.",
    "dropped": "Media from addresses that belong to nobody.",
    "missed": "Datagrams that the event loop was too slow to take.",
    "failed": "Packets that the system did not take.",
}
"""By the names of the kernel's own counts."""


def _media(metrics: Metrics, name: str, text: str) -> tuple[str, str, Callable[[], int]]:
    return f"trunkline_media_{name}", text, lambda: int(metrics.media().get(name, 0))


class Metrics:
    """What the server counts and measures."""

    def __init__(
        self,
        engine: Engine,
        hub: Hub,
        delivery: Delivery,
        journal: Sized,
        rooms: RoomDirectory,
        webhooks: WebhookSystem,
        searcher: Searcher,
    ) -> None:
        self.native_sends: Callable[[], int] = lambda: 0
        """Set where the native link path is used."""
        self.media: Callable[[], Mapping[str, int]] = dict
        """Set where packets of live media have a thread."""
        registry = self._registry = CollectorRegistry(auto_describe=True)
        registry.register(RoomMetrics(rooms))
        registry.register(WebhookMetrics(webhooks))
        if searcher.enabled:
            registry.register(SearchMetrics(searcher, registry))
        registry.register(
            Totals(
                ("trunkline_records_appended", "Records made durable since start.", lambda: engine.appended),
                ("trunkline_pushes", "Entry pushes queued since start.", lambda: delivery.pushed),
                ("trunkline_room_batches", "Batches of rooms since start.", lambda: rooms.fanout.batches),
                ("trunkline_native_sends", "Sends decided natively since start.", lambda: self.native_sends()),
            )
        )
        registry.register(Totals(*(_media(self, name, text) for name, text in MEDIA.items())))
        self._http = Histogram(
            "trunkline_http_request_seconds", "REST requests.", ["method", "route", "status"], registry=registry
        )
        self.loop_lag = Histogram(
            "trunkline_loop_lag_seconds",
            "How late the event loop ran a timer.",
            registry=registry,
            buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5),
        )
        self.expired = Counter("trunkline_messages_expired", "Messages whose time was up.", registry=registry)

        def gauge(name: str, text: str, read: object) -> None:
            Gauge(name, text, registry=registry).set_function(read)  # type: ignore[arg-type]

        def residents() -> int:
            return len(engine.residents.conversations)

        def failed() -> int:
            return int(engine.commits.failure is not None)

        gauge("trunkline_sessions", "Live link sessions.", lambda: len(hub.sessions))
        gauge("trunkline_parties_online", "Parties with a live session.", lambda: len(hub.online))
        gauge("trunkline_rooms", "Rooms in memory.", lambda: len(rooms.rooms))
        gauge("trunkline_room_members", "Members of all rooms.", lambda: rooms.members)
        gauge("trunkline_commit_queue_records", "Records not yet durable.", lambda: engine.commits.depth)
        gauge("trunkline_projection_lag_records", "Durable records the index lacks.", lambda: engine.lag)
        gauge("trunkline_journal_lsn", "Last durable commit group.", lambda: engine.committed_lsn)
        gauge("trunkline_journal_bytes", "Journal bytes on disk.", lambda: journal.size_bytes)
        gauge("trunkline_conversations_resident", "Conversations in memory.", residents)
        gauge(
            "trunkline_store_failed",
            "1 once the store refuses to write.",
            failed,
        )
        gauge(
            "process_max_resident_bytes",
            "Peak resident memory.",
            lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        )

    def observe(self, observation: Observation) -> None:
        """Count a finished REST request."""
        self._http.labels(observation.method, observation.route, str(observation.status)).observe(observation.took_s)

    def text(self) -> bytes:
        """The exposition."""
        return generate_latest(self._registry)
