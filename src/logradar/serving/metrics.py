"""Metrics: figures of the service as Prometheus reads them.

Labels are protocols, bundles, receivers and bands of severity: few, and none of them comes from a log line.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from logradar.core.errors import LogRadarError
from logradar.core.tables import SEVERITIES
from logradar.serving.service import Service
from logradar.serving.store.schema import ACTIVE, ALERTS

_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_GAUGES: Final = (  # name, key of `Service.figures`, help
    ("lag_seconds", "lag_seconds", "How far detection is behind what arrives."),
    ("backlog_bytes", "backlog_bytes", "Bytes of the write-ahead log that detection has not read."),
    ("wal_bytes", "wal_bytes", "Size of the write-ahead log."),
    ("store_bytes", "store_bytes", "Size of the store."),
    ("lines_bytes", "lines_bytes", "Size of the log lines that are kept."),
    ("senders", "senders", "Senders of log lines that are known now."),
)
_COUNTERS: Final = (
    ("arrivals_accepted", "accepted", "Log records that are on disk since the start."),
    ("arrivals_refused", "refused", "Log records that senders were asked to send again later, since the start."),
    ("records", "records", "Log records that detection has read."),
    ("left_out", "left_out", "Stretches of the log that detection failed on again and again."),
)
_RECEIVER: Final = (
    ("notifications_waiting", "waiting", "Notifications that wait for delivery."),
    ("notifications_delivered", "delivered", "Notifications that a receiver accepted."),
    ("notifications_given_up", "given_up", "Notifications that no receiver accepted in time."),
)


class Metrics:
    """All figures of one service."""

    def __init__(self, service: Service) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._registry.register(_Figures(service))

        def counter(name: str, words: str) -> Counter:
            return Counter(f"logradar_ingest_{name}", words, ["protocol"], registry=self._registry)

        self._requests = counter("requests", "Requests that brought log records.")
        self._records = counter("records", "Log records that were accepted.")
        self._rejected = counter("rejected_records", "Log records of accepted requests that could not be read.")
        self._bytes = counter("body_bytes", "Bytes of request bodies, as they were sent.")
        self._seconds = Histogram(
            "logradar_ingest_duration_seconds",
            "From the arrival of a request to the answer that its records are on disk.",
            ["protocol"],
            buckets=_BUCKETS,
            registry=self._registry,
        )

    def ingested(self, protocol: str, records: int, length: int, rejected: int, *, seconds: float) -> None:
        """Count a request: records that were kept, bytes of its body, records that could not be read."""
        self._requests.labels(protocol).inc()
        self._records.labels(protocol).inc(records)
        self._bytes.labels(protocol).inc(length)
        self._rejected.labels(protocol).inc(rejected)
        self._seconds.labels(protocol).observe(seconds)

    def text(self) -> bytes:
        """What Prometheus reads."""
        return generate_latest(self._registry)


class _Figures(Collector):
    """Reads the service whenever Prometheus asks."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """All figures but those that are counted as requests come."""
        try:
            yield from self._of_service()
            yield from self._of_bundles()
            yield from self._of_store()
        except LogRadarError:  # the store does not answer; readyz says so, and the other figures still count
            return

    def describe(self) -> list[Metric]:
        """Nothing: the service is not asked before somebody wants its figures."""
        return []

    def _of_service(self) -> Iterator[Metric]:
        figures = self._service.figures()
        for name, key, words in _GAUGES:
            yield GaugeMetricFamily(f"logradar_{name}", words, value=figures[key])
        for name, key, words in _COUNTERS:
            yield CounterMetricFamily(f"logradar_{name}", words, value=figures[key])
        unread = sum(figures["quarantined"].values())
        yield CounterMetricFamily(
            "logradar_unreadable_lines", "Lines that could not be read as they are.", value=unread
        )
        started = self._service.started_at / 1e6
        yield GaugeMetricFamily("logradar_start_time_seconds", "When the service began, since 1970.", value=started)
        health = GaugeMetricFamily("logradar_part_ok", "Whether a part of the service is well.", labels=["part"])
        for part in self._service.health():
            health.add_metric([part.name], float(part.ok))
        yield health
        for name, key, words in _RECEIVER:
            family: Any = GaugeMetricFamily if key == "waiting" else CounterMetricFamily
            metric = family(f"logradar_{name}", words, labels=["receiver"])
            for one in figures["notifications"]:
                metric.add_metric([one["name"]], one[key])
            yield metric

    def _of_bundles(self) -> Iterator[Metric]:
        labels = ["bundle", "role"]
        sessions = GaugeMetricFamily("logradar_open_sessions", "Sessions that are not over.", labels=labels)
        drifted = GaugeMetricFamily(
            "logradar_drift",
            "1 where the logs differ from those of training, so that it is time to train.",
            labels=labels,
        )
        index = GaugeMetricFamily(
            "logradar_drift_index", "Population stability index of scores, beside those of validation.", labels=labels
        )
        for one in self._service.bundles():
            if one["draining"]:
                continue
            sessions.add_metric([one["name"], one["role"]], one["open_sessions"])
            drift = one["drift"]
            if drift is not None:
                drifted.add_metric([one["name"], one["role"]], float(not drift["trusted"]))
                index.add_metric([one["name"], one["role"]], drift["index"])
        yield sessions
        yield drifted
        yield index

    def _of_store(self) -> Iterator[Metric]:
        store = self._service.store
        incidents = GaugeMetricFamily("logradar_open_incidents", "Incidents that are open.", labels=["severity"])
        for name, count in store.incident_figures().items():
            incidents.add_metric([name], count)
        yield incidents
        query = select(ALERTS.c.severity, func.count()).where(ALERTS.c.role == ACTIVE).group_by(ALERTS.c.severity)
        with store.reading() as connection:
            found: dict[str, int] = dict(connection.execute(query).tuples().all())
        alerts = GaugeMetricFamily("logradar_stored_alerts", "Alerts that are kept.", labels=["severity"])
        for name in SEVERITIES:
            alerts.add_metric([name], found.get(name, 0))
        yield alerts
