"""Changes of rates on simulated days: false ones a day, and which changes that are made on purpose are found, when.

python experiments/rates_study.py --seeds 101 102 103 [--history 2 days, or 0.0834 for two hours]

For each seed some fault-free days train, and the day after them is judged twice: as it is (whatever is reported is
false), and with five changes that leave every message as it is and change its rate alone.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from logradar.model.settings import run_settings
from logradar.pipeline.detect import detect
from logradar.pipeline.train import train
from logradar.simulation.simulate import simulate

LOGS = ("gateway", "research", "manager")
HEARTBEAT = "gateway.health"
REPEATED = "manager.payments"
START = datetime(2026, 3, 2)
LATENESS = 60


def at(day: datetime, clock: str) -> datetime:
    """A time of that day."""
    hour, minute = map(int, clock.split(":"))
    return day + timedelta(hours=hour, minutes=minute)


def changes_on(day: datetime) -> list[dict[str, Any]]:
    """What is changed on purpose: what, where, from, until, and the kinds that call it by its name."""
    rows = [
        ("silence at night", "manager", "03:00", "03:20", ("silence",)),
        ("silence by day", "research", "10:00", "10:20", ("silence",)),
        ("one message ten times as often", "manager", "13:00", "13:10", ("spike",)),
        ("heartbeat missing", "gateway", "15:30", "16:30", ("silence",)),
        ("nine of ten records missing", "gateway", "19:00", "19:30", ("dip",)),
    ]
    return [
        {"what": what, "service": service, "begin": at(day, begin), "end": at(day, end), "kinds": kinds}
        for what, service, begin, end, kinds in rows
    ]


def changed(lines: list[str], service: str, planned: list[dict[str, Any]]) -> list[str]:
    """The records of a service with what is planned; a record that goes on over several lines stays whole."""
    kept: list[str] = []
    here, number = True, 0
    for line in lines:
        if line[:4].isdigit() and line[4] == "-":
            here, number = True, number + 1
            moment = datetime.fromisoformat(line[:19])
            for one in planned:
                if one["service"] != service or not one["begin"] <= moment < one["end"]:
                    continue
                if one["what"].startswith("silence"):
                    here = False
                elif one["what"].startswith("heartbeat"):
                    here = HEARTBEAT not in line
                elif one["what"].startswith("nine of ten"):
                    here = number % 10 == 0 or HEARTBEAT in line
                elif f" {REPEATED} " in line:
                    kept += [line] * 9
        if here:
            kept.append(line)
    return kept


def study(seed: int, history: float, lines_per_day: int, overrides: list[str], home: Path) -> dict[str, Any]:
    """One seed: false changes on a day without any, and what is found of the planned ones."""
    day = START + timedelta(days=max(round(history), 1))
    begin = START if history >= 1 else START + timedelta(hours=9)
    simulate(home / "train", days=history, faults="none", seed=seed, start=begin, lines_per_day=lines_per_day)
    simulate(home / "test", days=1, faults="none", seed=seed + 5000, start=day, lines_per_day=lines_per_day)
    settings = run_settings(None, ["detector=new_template", "beside=[]", *overrides])
    train(str(home / "train"), home / "bundle", settings)
    planned = changes_on(day)
    (home / "edited").mkdir()
    for name in LOGS:
        lines = (home / "test" / f"{name}.log").read_text().splitlines()
        (home / "edited" / f"{name}.log").write_text("\n".join(changed(lines, name, planned)) + "\n")
    false = detect(home / "bundle", str(home / "test")).rate_changes.to_pylist()
    found = detect(home / "bundle", str(home / "edited")).rate_changes.to_pylist()
    rows = []
    # A change is reported when its bucket is over and has waited for late records.
    for row in found:
        row["reported"] = row["found_at"] + timedelta(seconds=LATENESS)
    for one in planned:
        mine = [row for row in found if overlaps(row, one) and row["service"] in (one["service"], None)]
        first = min((row for row in mine if row["kind"] in one["kinds"]), key=lambda r: r["started_at"], default=None)
        late = (first["reported"].replace(tzinfo=None) - one["begin"]).total_seconds() / 60 if first else None
        rows.append(
            {"minutes": late, "what": one["what"], "found": first is not None, "changes": len(mine), "row": first}
        )
    beside = [row for row in found if not any(overlaps(row, one) for one in planned)]
    return {"seed": seed, "false": [said(row) for row in false], "beside": [said(row) for row in beside], "rows": rows}


def overlaps(row: dict[str, Any], one: dict[str, Any]) -> bool:
    """Whether a change is in the time of a planned one, or begins within ten minutes of its end."""
    begin, end = (row[name].replace(tzinfo=None) for name in ("started_at", "last_at"))
    return bool(begin < one["end"] + timedelta(minutes=10) and end > one["begin"])


def said(row: dict[str, Any]) -> str:
    """One line."""
    when = f"{row['started_at']:%H:%M}-{row['last_at']:%H:%M}"
    return f"{when} {row['kind']} {row['service']} {row['template']}: {row['reason'][:120]} (p {row['p_value']:.0e})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 102, 103])
    parser.add_argument("--history", type=float, default=2.0)
    parser.add_argument("--lines-per-day", type=int, default=200_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("overrides", nargs="*")
    given = parser.parse_args()
    results = []
    for seed in given.seeds:
        with tempfile.TemporaryDirectory() as home:
            results.append(study(seed, given.history, given.lines_per_day, given.overrides, Path(home)))
        if not given.json:
            one = results[-1]
            print(f"seed {seed}: {len(one['false'])} false, {len(one['beside'])} false beside the planned changes")
            for line in (*one["false"], "--", *one["beside"]):
                print("   ", line)
            for row in one["rows"]:
                print(
                    f"    {'found' if row['found'] else 'MISSED'} {row['what']}",
                    f"({row['changes']} changes, after {row['minutes']} minutes)",
                    row["row"] and said(row["row"]),
                    flush=True,
                )
    if given.json:
        print(json.dumps(results, default=str, indent=1))
    else:
        print(f"false changes a day: {sum(len(one['false']) for one in results) / len(results):.2f}")


if __name__ == "__main__":
    main()
