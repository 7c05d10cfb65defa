"""The page of an inventory: what an input contains and what is wrong with it, with pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from logradar.core.formatting import counted, minute, moment, number, percent
from logradar.core.tables import LEVELS, NO_SERVICE
from logradar.reporting import inventory_plots as plots
from logradar.reporting.figures import Picture, placed
from logradar.reporting.html import fill, write
from logradar.reporting.inventory_summary import remarks

SERVICES: Final = 50  # rows of a table on the page; the document has all of them
DAYS: Final = 1_000
FILES: Final = 100
_DATE: Final = 10  # characters of a date without a time
_LEVELS: Final = tuple(LEVELS)  # each has four SeverityNumbers


def write_inventory(facts: Mapping[str, Any], output: Path) -> Path:
    """Write the page to ``output``; where that is a folder, ``report.html`` and ``validate.json`` into it."""
    if output.is_dir():
        text = json.dumps(facts, indent=1, ensure_ascii=False)
        (output / "validate.json").write_text(text + "\n", encoding="utf-8", errors="replace")
        output /= "report.html"
    return write(render(facts), output)


def render(facts: Mapping[str, Any]) -> str:
    """The page of an inventory (docs/reference-json.md, "validate") as text."""
    services = [row for row in facts["by_service"] if row["service"] != NO_SERVICE]
    return fill(
        "inventory.html",
        facts=facts,
        title=facts["input"],
        headline=headline(facts),
        lead=lead(facts),
        cards=cards(facts),
        remarks=remarks(facts),
        pictures=_pictures(facts),
        services=facts["by_service"][:SERVICES] if services else [],
        days=facts["by_day"][:DAYS],
        damaged=sorted(
            (row for row in facts.get("by_file", []) if row["faults"]), key=lambda row: (-row["lost"], -row["faults"])
        ),
        shown=FILES,
        size=size,
        keys=facts.get("keys", []),
        origin=_origin(facts),
    )


def headline(facts: Mapping[str, Any]) -> str:
    """The result in one sentence."""
    services = [row for row in facts["by_service"] if row["service"] != NO_SERVICE]
    within = counted(facts["file_count"], "file")
    faults = sum(kind["count"] for kind in facts["fault_kinds"])
    verdict = f"with {counted(faults, 'fault')}" if faults else "without a fault"
    if not facts["sessions"]:
        return f"No session could be read from {within}: {counted(faults, 'fault')}."
    of = f" of {counted(len(services), 'service')}" if services else ""
    return f"{counted(facts['sessions'], 'session')}{of} in {within}, {verdict}."


def lead(facts: Mapping[str, Any]) -> list[str]:
    """The facts that the headline leaves out, in short sentences."""
    first, last = (str(facts[key] or "") for key in ("from", "until"))
    if not first:
        return [f"{size(facts['bytes'])} on disk, dates not known."]
    first, last = (text if len(text) == _DATE else minute(text) for text in (first, last))
    when = f"From {first} to {last}" if first != last else f"From {first}"
    return [f"{when}, {size(facts['bytes'])} on disk."]


def cards(facts: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Key figures as ``(title, value, note)``."""
    words, length, sessions = facts["vocabulary"], facts["session_length"], max(facts["sessions"], 1)
    ends = facts["length_quantiles"]
    lost, kept = facts["lost"], sum(kind["count"] for kind in facts["fault_kinds"] if kind["kept"])
    approximately = "" if facts["counted_exactly"] else ", estimated"
    distinct = f"{counted(facts['distinct_sequences'], 'distinct sequence')}{approximately}"
    return [
        ("sessions", number(facts["sessions"]), distinct),
        ("log records", number(facts["records"]), f"{counted(facts['file_count'], 'file')}, {size(facts['bytes'])}"),
        (
            "events a session",
            number(length["mean"]),
            f"{number(length['min'])} to {number(length['max'])}; median {number(length['median'])}, "
            f"99\u00a0% up to {number(ends['p99'])}",
        ),
        (
            words["of"],
            f"{'> ' if words['full'] else ''}{number(words['size'])}",
            f"over {counted(words['growth'][-1][0], words['over'][:-1])}" if facts["sessions"] else "",
        ),
        ("with errors", percent(facts["error_share"]), _sessions(facts["with_error"])),
        ("with warnings", percent(facts["warn_share"]), _sessions(facts["with_warn"])),
        (
            "duplicates",
            percent(facts["duplicate_sessions"] / sessions),
            f"{counted(facts['duplicate_sessions'], 'session')} with the same text as an earlier one{approximately}",
        ),
        ("faults", number(lost + kept), f"{number(lost)} lost, {number(kept)} kept"),
    ]


def levels(facts: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Log levels by name, each with its number of records."""
    counts: dict[str, int] = {}
    for value, count in facts["levels"].items():
        name = _LEVELS[min((int(value) - 1) // 4, 5)] if value.isdigit() and int(value) > 0 else "none"
        counts[name] = counts.get(name, 0) + count
    return [(name, counts[name]) for name in (*_LEVELS, "none") if name in counts]


def size(count: float | None) -> str:
    """Bytes with a fitting unit: 9.4 MB."""
    if count is None:
        return "–"
    for scale, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= scale:
            return f"{count / scale:,.3g} {unit}" if count < 1e3 * scale else f"{count / scale:,.0f} {unit}"
    return f"{count:.0f} B"


def _sessions(count: int | None) -> str:
    return "not known" if count is None else counted(count, "session")


def _pictures(facts: Mapping[str, Any]) -> list[Picture]:
    days, services = facts["by_day"], [row for row in facts["by_service"] if row["service"] != NO_SERVICE]
    words = facts["vocabulary"]
    return placed(
        [
            (plots.volume(days), "Sessions of each day" + (", by service." if len(services) > 1 else "."), True),
            (plots.trouble(days), "Share of the sessions of each day that log an error or a warning.", True),
            (plots.services(services), "Sessions of each service.", False),
            (
                plots.troubled_services(services),
                "Share of the sessions of each service that log an error or a warning.",
                False,
            ),
            (
                plots.lengths(facts["length_histogram"], facts["session_length"], facts["length_quantiles"]),
                "Number of sessions by their length in events.",
                False,
            ),
            (
                plots.growth(words),
                f"Distinct {words['of']} (up) among the first {words['over']} (right). If the curve is still rising "
                f"at its end, new data will contain {words['of']} that no model has learnt.",
                False,
            ),
            (plots.levels(levels(facts)), "Log records of each level.", False),
        ]
    )


def _origin(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = [
        ("input", facts["input"]),
        ("kind of log", facts["source"]),
        ("session key", facts["session_key"]),
        ("labels", _labels(facts["labels"])),
        ("LogRadar", facts["version"]),
        ("created", moment(facts["created"])),
        ("took", f"{number(facts['seconds'])} s"),
    ]
    return [(name, str(value)) for name, value in rows if value]


def _labels(labels: Mapping[str, int]) -> str:
    if not labels["normal"] + labels["anomalous"]:
        return ""
    return ", ".join(f"{number(count)} {name}" for name, count in labels.items() if count)
