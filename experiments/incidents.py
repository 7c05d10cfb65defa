"""How well alerts are put together to incidents: simulated days with twelve faults, HDFS, Train-Ticket.

A bundle learns two fault-free days of the simulated shop. Each seed gives a day on which all twelve faults occur once.
A fault counts when it raises an alert. It is exact when one incident has at least nine tenths of its alerts, and four
fifths of that incident's alerts are its own. An incident belongs to the fault that most of its alerts come from; it is
false where most come from normal sessions, or where it is of rate changes alone. The faulty service is that in which
the code of the fault runs; faults that hit every service are left out of that count. The rule was chosen on the seeds
11 to 15, 21 to 25 and 31 to 38.

    python experiments/incidents.py days [--seeds 41 42 …]
    python experiments/incidents.py hdfs
    python experiments/incidents.py trainticket|trainticket_deeptralog
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from logradar.core.progress import quiet
from logradar.model.settings import run_settings
from logradar.pipeline.detect import detect
from logradar.pipeline.evaluate import evaluate
from logradar.pipeline.train import train
from logradar.simulation.faults import FAULTS
from logradar.simulation.simulate import simulate

LINES = 200_000  # of a working day
NAMED = 100  # alerts that an incident names


def faulty_services(fault: str, seed: int) -> set[str]:
    """Where the code of a fault of the first part of a day runs; empty where it may run anywhere."""
    one: Any = FAULTS[fault](Random(f"{seed}/{fault}/0"))
    where = {
        "slow_dependency": lambda: {"manager" if one.dependency == "bank" else "research"},
        "pool_exhausted": lambda: {"manager" if one.seizes == "ledger" else "research"},
        "bad_deploy": lambda: {"manager" if one.feature == "pricing" else "research"},
        "retry_storm": lambda: {one.service},
        "auth_failures": lambda: {"gateway"},
        "clock_skew": lambda: {one.skews[0]},
        "wrong_value": lambda: {"manager"},
        # Orders, payments and reports are jobs of the manager, feeds (rare) of research.
        "missing_step": lambda: {"manager"},
        "wrong_order": lambda: {"manager"},
        "disk_full": lambda: {"manager", "research"},
    }
    return where[fault]() if fault in where else set()


def measured(incidents: Iterable[dict[str, Any]], fault_of: dict[str, str], seed: int) -> dict[str, Any]:
    """The figures of one day; ``fault_of`` is the fault of each alert, '' for a false alarm."""
    alerts = Counter(fault for fault in fault_of.values() if fault)
    exact, owned, false, first, second, asked = set(), Counter[str](), 0, 0, 0, 0
    for one in incidents:
        own = Counter(fault_of[name] for name in one["alert_ids"] if name in fault_of)
        fault, most = own.most_common(1)[0] if own else ("", 0)  # of rate changes alone: false
        if not fault:
            false += 1
            continue
        owned[fault] += 1
        whole = most >= 0.9 * min(alerts[fault], NAMED) and most >= 0.8 * sum(own.values())
        if whole:
            exact.add(fault)
        if whole and len(guilty := faulty_services(fault, seed)) == 1:
            named = [place["service"] for place in one["candidates"]]
            asked += 1
            first += bool(guilty & set(named[:1]))
            second += bool(guilty & set(named[:2]))
    return {
        "seed": seed,
        "alerts": len(fault_of),
        "faults": len(alerts),
        "exact": len(exact),
        "not_exact": sorted(alerts.keys() - exact),
        "incidents": sum(owned.values()),
        "false": false,
        "asked": asked,
        "first": first,
        "first_two": second,
    }


def days(seeds: list[int]) -> list[dict[str, Any]]:
    """Simulated days, and all of them together."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        simulate(home / "normal", days=2, faults="none", seed=1, lines_per_day=LINES)
        train(str(home / "normal"), home / "bundle", run_settings())
        for number, seed in enumerate(seeds):
            start = datetime(2026, 3, 4, tzinfo=UTC) + timedelta(days=number)
            day = home / str(seed)
            simulate(day, faults="all", seed=seed, start=start, lines_per_day=LINES, episodes_per_day=1)
            found = detect(home / "bundle", str(day))
            with (day / "labels.csv").open() as file:
                faults = {row["session_key"]: row["fault"] for row in csv.DictReader(file)}
            ids = zip(*(found.alerts[name].to_pylist() for name in ("alert_id", "session_id")), strict=True)
            rows.append(measured(found.incidents.to_pylist(), {name: faults.get(key, "") for name, key in ids}, seed))
    total = {key: sum(row[key] for row in rows) for key in rows[0] if key not in ("seed", "not_exact")}
    total |= {
        "exact_share": round(total["exact"] / total["faults"], 3),
        "incidents_per_fault": round(total["incidents"] / total["faults"], 3),
        "false_per_day": round(total["false"] / len(rows), 3),
        "first_share": round(total["first"] / total["asked"], 3),
        "first_two_share": round(total["first_two"] / total["asked"], 3),
    }
    return [*rows, {"seed": "all", **total}]


def named_set(spec: str) -> list[dict[str, Any]]:
    """Alerts of the later part of a data set (of DeepTraLog's all, which are more than an evaluation lists)."""
    with tempfile.TemporaryDirectory() as folder:
        train(spec, Path(folder) / "bundle", run_settings())
        bundle = Path(folder) / "bundle"
        found = detect(bundle, spec) if spec == "trainticket_deeptralog" else evaluate(bundle, spec).detected
    rows = [told(one) for one in found.incidents.to_pylist()]
    return [{"set": spec, "alerts": len(found.alerts), "incidents": len(rows)}, *rows]


def told(one: dict[str, Any]) -> dict[str, Any]:
    """What is printed of an incident."""
    times = {name: one[name] and one[name].isoformat(timespec="seconds") for name in ("started_at", "last_at")}
    return {**times, "alerts": one["alerts"], "severity": one["severity"], "title": one["title"]}


def main() -> int:
    """Print JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("days", "hdfs", "trainticket", "trainticket_deeptralog"))
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(41, 49)))
    options = parser.parse_args()
    quiet(True)
    rows = days(options.seeds) if options.what == "days" else named_set(options.what)
    for row in rows:
        print(json.dumps(row), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
