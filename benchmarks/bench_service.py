"""The service under load: acknowledgements, alerts and memory while five protocols send lines at a chosen rate.

    python benchmarks/bench_service.py [--rate 10000] [--minutes 1] [--overload] [--ceiling] [--json]

Trains a bundle on the same kind of lines, starts `logradar serve` on loopback and sends. Sender and service share the
machine. Reported are the time until a request is acknowledged (99th percentile), the time from a faulty line to its
alert in the store (99th percentile), lines lost (acknowledged, but not counted by detection), and the largest resident
memory. ``--overload`` sends five times the rate with little room for what waits, and checks that sent lines are
acknowledged or refused, none lost. ``--ceiling`` raises the rate until detection falls behind.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from service_load import PROTOCOLS, Sender, sessions

DETECTED = "logradar_records_total"
LOGRADAR = [sys.executable, "-m", "logradar"]


def trained(folder: Path) -> Path:
    """A bundle that has learnt usual sessions."""
    source, lines, when = sessions(1), [], datetime(2026, 1, 5, 8, tzinfo=UTC).timestamp()
    for number in range(2_000):
        for place, line in enumerate(next(source)):
            line.when = when + number * 0.2 + place * 0.01
            lines.append(line.plain())
    (folder / "train.log").write_text("\n".join(lines) + "\n")
    command = [*LOGRADAR, "train", "train.log", "-o", "bundle", "--quiet", r"input.session_key=request ([0-9a-f]{16})"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "bundle"


class Running:
    """A service as a process of its own; ``settings`` are words of its command line."""

    def __init__(self, home: Path, *words: str) -> None:
        command = [*LOGRADAR, "serve", "--home", str(home), "--port", "0", "--syslog-tcp", "0", *words]
        self._errors = (home.parent / "serve.err").open("a")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._errors, text=True)
        self.port = self.syslog = 0
        assert self.process.stdout is not None
        while not self.syslog:
            line = self.process.stdout.readline()
            if not line:
                raise RuntimeError((home.parent / "serve.err").read_text())
            if found := re.search(r"dashboard +http://127.0.0.1:(\d+)/", line):
                self.port = int(found[1])
            if found := re.search(r"syslog tcp +127.0.0.1:(\d+)", line):
                self.syslog = int(found[1])

    def get(self, path: str) -> Any:
        """A JSON document of the API."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            return json.load(answer)

    def figure(self, name: str) -> float:
        """A figure of `/metrics` without labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=30) as answer:
            found = re.search(rf"^{name} (\S+)$", answer.read().decode(), re.MULTILINE)
        assert found, name
        return float(found[1])

    def memory_mb(self) -> float:
        """Resident memory now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def stop(self) -> None:
        """End it as a user would."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self._errors.close()
        assert self.process.stdout is not None
        self.process.stdout.close()


def load(
    service: Running, rate: float, seconds: float, *, faults: float = 0.5, batch: int = 200, seed: int = 10
) -> dict[str, Any]:
    """Send for so long; ``faults`` are faulty sessions a second."""
    share = faults * 5 / rate
    senders = [
        Sender(name, service.syslog if name == "syslog" else service.port, rate / len(PROTOCOLS), seed=seed + number,
               batch=batch, faulty=0.0 if name == "syslog" else share)
        for number, name in enumerate(PROTOCOLS)
    ]  # fmt: skip
    before = service.figure(DETECTED)
    for one in senders:
        one.start()
    memory, seen, after = [], {}, 0
    faulty: dict[str, float] = {}
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        time.sleep(0.5)
        memory.append(service.memory_mb())
        seen |= new_alerts(service, seen)
    for one in senders:
        one.halt.set()
    for one in senders:
        one.join()
    took = time.monotonic() - begun
    acknowledged = sum(one.tally.acknowledged for one in senders)
    for _ in range(240):
        time.sleep(0.5)
        seen |= new_alerts(service, seen)
        after = int(service.figure(DETECTED) - before)
        for one in senders:
            faulty |= one.tally.faults
        if after >= acknowledged and faulty.keys() <= seen.keys():
            break
    if os.environ.get("LOGRADAR_BENCH_DETAIL"):
        first = min(faulty.values(), default=0.0)
        for name, when in sorted(faulty.items(), key=lambda item: item[1]):
            print(f"  {name} at {when - first:.1f} s: {seen.get(name, float('nan')) - when:.2f} s", file=sys.stderr)
    waits = np.array([wait for one in senders for wait in one.tally.waits])
    delays = np.array([seen[name] - faulty[name] for name in faulty if name in seen])
    return {
        "rate": round(acknowledged / took),
        "sent": sum(one.tally.sent for one in senders),
        "acknowledged": acknowledged,
        "refused": sum(one.tally.refused for one in senders),
        "broken": sum(one.tally.broken for one in senders),
        "detected": after,
        "lost": acknowledged - after,
        "ack_p50_ms": round(1000 * float(np.quantile(waits, 0.5)), 1),
        "ack_p99_ms": round(1000 * float(np.quantile(waits, 0.99)), 1),
        "faults": len(faulty),
        "alerted": len(delays),
        "alert_p50_s": round(float(np.quantile(delays, 0.5)), 2) if len(delays) else None,
        "alert_p99_s": round(float(np.quantile(delays, 0.99)), 2) if len(delays) else None,
        "memory_by_tenth_mb": [round(float(np.median(part))) for part in np.array_split(memory, 10) if len(part)],
        "memory_peak_mb": round(max(memory)),
    }


def new_alerts(service: Running, seen: dict[str, float]) -> dict[str, float]:
    """Alerts that are new, by the end of their session's key, with the time at which they were seen."""
    found: dict[str, float] = {}
    cursor = ""
    while True:
        page = service.get(f"/api/v1/alerts?limit=200{cursor}")
        fresh = {one["session_id"].lstrip("0")[-16:].rjust(16, "0"): time.time() for one in page["items"]}
        news = {name: when for name, when in fresh.items() if name not in seen}
        found |= news
        if not news or not page.get("next_cursor"):
            return found
        cursor = f"&cursor={page['next_cursor']}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=10_000)
    parser.add_argument("--minutes", type=float, default=0.5)
    parser.add_argument("--overload", action="store_true")
    parser.add_argument("--ceiling", action="store_true")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle = trained(folder)
        words = ["backlog_mb=2"] if asked.overload else []
        rates = [10_000, 20_000, 30_000, 40_000, 50_000, 60_000] if asked.ceiling else [asked.rate]
        rates = [5 * asked.rate] if asked.overload else rates
        for number, rate in enumerate(rates):
            service = Running(folder / f"home{number}", str(bundle), *words)
            try:
                load(service, 2_000, 8, faults=1, seed=100)  # kernels are compiled, formats are known
                found = load(service, rate, 60 * asked.minutes, batch=200 if rate <= 10_000 else 500)
            finally:
                service.stop()
            results.append(found)
            if not asked.json:
                print(" ".join(f"{key}={value}" for key, value in found.items()), flush=True)
            if asked.ceiling and found["rate"] < 0.9 * rate:
                break
    if asked.json:
        print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
