"""Doors: the protocols of ingest with the paths at which they are spoken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from logradar.serving.ingest import elasticsearch, loki, otlp, splunk
from logradar.serving.ingest.limits import Limits


@dataclass(frozen=True)
class Door:
    """One protocol: what reads a body, and how it answers.

    ``decode`` gets the inflated body, the path's and the query's parameters, and the limits; its result has
    ``arrivals``, ``rejected`` and ``repaired`` as `Decoded` has them. ``success`` makes the answer from it, ``failure``
    one from a status and a sentence.
    """

    protocol: str
    paths: tuple[str, ...]
    methods: tuple[str, ...]
    decode: Callable[[bytes, Mapping[str, str], Limits], Any]
    success: Callable[[Request, Any], Response]
    failure: Callable[[Request, int, str], Response]


_HEC: Final = "/services/collector"
DOORS: Final = (
    Door("otlp", ("/v1/logs",), ("POST",), otlp.decode, otlp.success, otlp.failure),
    Door("loki", ("/loki/api/v1/push", "/api/prom/push"), ("POST",), loki.decode, loki.success, loki.failure),
    Door(
        "elasticsearch",
        ("/_bulk", "/{index}/_bulk"),
        ("POST", "PUT"),
        elasticsearch.decode,
        elasticsearch.success,
        elasticsearch.failure,
    ),
    Door(
        "splunk",
        (_HEC, f"{_HEC}/event", f"{_HEC}/event/1.0"),
        ("POST",),
        splunk.decode_events,
        splunk.success,
        splunk.failure,
    ),
    Door(
        "splunk_raw",
        (f"{_HEC}/raw", f"{_HEC}/raw/1.0"),
        ("POST",),
        splunk.decode_raw,
        splunk.success,
        splunk.failure,
    ),
)
