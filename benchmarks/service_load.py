"""Load for the service: sessions of a made-up shop as lines, in the forms of five protocols, at a chosen rate.

Imported by bench_service.py. Sessions are drawn from a seed, so the same load can
be made again. A faulty session says a message that no other session says.
"""

from __future__ import annotations

import gzip
import http.client
import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

PROTOCOLS = ("otlp", "loki", "bulk", "hec", "syslog")
STEPS = (
    ("gateway", "request {id} received: GET /cart/{n}"),
    ("cart", "cart {n} loaded for request {id} in {ms} ms"),
    ("price", "price of {n} items computed for request {id}"),
    ("pay", "payment {n} accepted for request {id}"),
    ("gateway", "request {id} answered with 200 in {ms} ms"),
)
FAULT = ("pay", "payment {n} for request {id} lost: ledger {where} does not answer")


@dataclass
class Line:
    """One line and what a sender says beside it; ``when`` is in seconds since 1970."""

    when: float
    service: str
    text: str
    trace: str

    def plain(self) -> str:
        """The line as a file would hold it."""
        moment = datetime.fromtimestamp(self.when, UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z INFO {self.service} - {self.text}"


def sessions(seed: int, *, faulty: float = 0.0, prefix: str = "") -> Iterator[list[Line]]:
    """Sessions without their times, endless; a share ``faulty`` of them is."""
    chance = random.Random(seed)
    number = 0
    while True:
        number += 1
        trace = f"{prefix}{seed:04x}{number:012x}"
        bad = chance.random() < faulty
        steps = [*STEPS[:3], FAULT, STEPS[4]] if bad else STEPS
        values = {
            "id": trace,
            "n": chance.randint(1, 9999),
            "ms": chance.randint(1, 99),
            "where": f"n{chance.randint(1, 9)}",
        }
        yield [Line(0.0, service, text.format(**values), trace) for service, text in steps]


def is_faulty(line: Line) -> bool:
    """Whether it is the line that makes a session anomalous."""
    return "does not answer" in line.text


def body_of(protocol: str, lines: list[Line]) -> tuple[str, bytes, dict[str, str]]:
    """Path, body and headers of a request with these lines."""
    if protocol == "otlp":
        records = [
            {
                "timeUnixNano": str(int(line.when * 1e9)),
                "severityNumber": 9,
                "traceId": line.trace.rjust(32, "0"),
                "body": {"stringValue": line.text},
                "_service": line.service,
            }
            for line in lines
        ]
        by_service: dict[str, list[dict[str, Any]]] = {}
        for record in records:
            by_service.setdefault(record.pop("_service"), []).append(record)
        resources = [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": name}}]},
                "scopeLogs": [{"logRecords": found}],
            }
            for name, found in by_service.items()
        ]
        data = gzip.compress(json.dumps({"resourceLogs": resources}).encode(), 1)
        return "/v1/logs", data, {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    if protocol == "loki":
        values = [[str(int(line.when * 1e9)), line.plain()] for line in lines]
        data = json.dumps({"streams": [{"stream": {"job": "shop"}, "values": values}]}).encode()
        return "/loki/api/v1/push", data, {"Content-Type": "application/json"}
    if protocol == "bulk":
        rows = []
        for line in lines:
            rows.append('{"create":{}}')
            moment = datetime.fromtimestamp(line.when, UTC).isoformat()
            document = {"@timestamp": moment, "message": line.text, "log.level": "info", "service.name": line.service}
            rows.append(json.dumps({**document, "trace.id": line.trace.rjust(32, "0")}))
        return "/logs/_bulk", ("\n".join(rows) + "\n").encode(), {"Content-Type": "application/x-ndjson"}
    if protocol == "hec":
        data = "".join(json.dumps({"time": line.when, "event": line.plain(), "source": "shop"}) for line in lines)
        return "/services/collector/event", data.encode(), {"Content-Type": "application/json"}
    raise ValueError(protocol)


@dataclass
class Tally:
    """What became of the lines that were sent; ``waits`` are seconds until each request was acknowledged."""

    sent: int = 0
    acknowledged: int = 0
    refused: int = 0
    broken: int = 0
    waits: list[float] = field(default_factory=list)
    faults: dict[str, float] = field(default_factory=dict)  # by trace id: when the line was handed over


class Sender(threading.Thread):
    """Sends sessions over one protocol at ``rate`` lines a second, in requests of ``batch`` lines, until `stop`."""

    def __init__(
        self,
        protocol: str,
        port: int,
        rate: float,
        *,
        seed: int,
        batch: int = 200,
        faulty: float = 0.0,
        again: bool = False,
    ) -> None:
        super().__init__(daemon=True)
        self.protocol, self.tally, self.halt = protocol, Tally(), threading.Event()
        self._port, self._rate, self._batch, self._again = port, rate, batch, again
        self._source = sessions(seed, faulty=faulty)

    def run(self) -> None:
        """Send until `halt` is set."""
        begun, count = time.monotonic(), 0
        while not self.halt.is_set():
            lines = [line for _ in range(self._batch // len(STEPS)) for line in next(self._source)]
            now = time.time()
            for place, line in enumerate(lines):
                line.when = now + place * 1e-6
            self._send(lines)
            count += len(lines)
            behind = count / self._rate - (time.monotonic() - begun)
            if behind > 0:
                self.halt.wait(behind)

    def _send(self, lines: list[Line]) -> None:
        tally = self.tally
        tally.sent += len(lines)
        tally.faults |= {line.trace: time.time() for line in lines if is_faulty(line)}
        if self.protocol == "syslog":
            self._send_syslog(lines)
            return
        path, data, headers = body_of(self.protocol, lines)
        begun = time.monotonic()
        try:
            if not hasattr(self, "_connection"):
                self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
            self._connection.request("POST", path, data, headers)
            response = self._connection.getresponse()
            response.read()
        except OSError:
            tally.broken += len(lines)
            self.__dict__.pop("_connection", None)
            time.sleep(0.05)
            return
        except http.client.HTTPException:
            tally.broken += len(lines)
            self.__dict__.pop("_connection", None)
            return
        tally.waits.append(time.monotonic() - begun)
        if 200 <= response.status < 300:
            tally.acknowledged += len(lines)
        elif response.status in (429, 503):
            tally.refused += len(lines)
            for line in lines:
                tally.faults.pop(line.trace, None)
        else:
            raise AssertionError(f"{self.protocol}: status {response.status}")

    def _send_syslog(self, lines: list[Line]) -> None:
        rows = []
        for line in lines:
            moment = datetime.fromtimestamp(line.when, UTC)
            rows.append(f"<14>1 {moment.isoformat()} host {line.service} 1 - - {line.text}\n")
        if not hasattr(self, "_socket"):
            self._socket = socket.create_connection(("127.0.0.1", self._port))
        self._socket.sendall("".join(rows).encode())
        self.tally.acknowledged += len(lines)  # syslog knows no acknowledgement
