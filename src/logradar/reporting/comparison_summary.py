"""The standing of a comparison in words and cells: who is ahead, by how much, and whether chance explains it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from logradar.core.formatting import counted, figure, joined, number, percent, real
from logradar.reporting.evaluation_summary import COLUMNS, Column

_MEASURED: Final = ("f1", "precision", "recall", "fpr", "pr_auc", "roc_auc", "false_alarms_per_day")
_SECONDS: Final = Column("seconds", "seconds", None, number, "to score all sessions, on this machine")
_PLAIN: Final = (
    Column("alerts", "alerts", None, number, "sessions above the threshold"),
    Column("alert_rate", "of all", None, percent, "share of the sessions"),
    Column("alerts_per_day", "alerts a day", None, number, "over the time that the sessions cover"),
    Column("threshold", "threshold", None, number, "fitted on normal validation sessions"),
    Column("scores.median", "median score", None, number, "each detector has its own scale"),
    Column("scores.p99", "99th percentile", None, number, "each detector has its own scale"),
    Column("scores.max", "highest score", None, number, "each detector has its own scale"),
)


@dataclass(frozen=True)
class Row:
    """A detector in the table: its cells as ``(text, is best, interval)`` and how it stands to the best one."""

    name: str
    main: bool
    cells: list[tuple[str, bool, str]]
    verdict: str


def table(document: Mapping[str, Any]) -> tuple[list[Column], list[Row]]:
    """Detectors side by side, best first; without labels what they alarm."""
    found = document["detectors"]
    labelled = document["anomalies"] is not None
    wanted = [column for column in COLUMNS if column.key in _MEASURED] if labelled else list(_PLAIN)
    columns = [column for column in (*wanted, _SECONDS) if any(column.of(one) is not None for one in found.values())]
    # Who finds nothing has no false alarms either: no reason for praise.
    able = [one for one in found.values() if not labelled or (one.get("recall") or 0) > 0]
    best = {
        column.key: column.best(values)
        for column in columns
        if column.best and (values := [value for one in able if (value := column.of(one)) is not None])
    }
    verdicts = {pair["name"]: pair["verdict"] for pair in against_best(document)}
    rows = [
        Row(
            name,
            bool(one["main"]),
            [
                (
                    column.show(column.of(one)),
                    one in able and column.of(one) == best.get(column.key, ""),
                    _span(one.get("intervals", {}).get(column.key), column),
                )
                for column in columns
            ],
            verdicts.get(name, "best" if verdicts else ""),
        )
        for name, one in found.items()
    ]
    return columns, rows


def against_best(document: Mapping[str, Any], key: str = "f1") -> list[dict[str, Any]]:
    """Each other detector against the best: difference, interval, and ``verdict``: behind, ahead, or open."""
    if not document["differences"]:
        return []
    best = next(iter(document["detectors"]))
    told = []
    for pair in document["differences"]:
        if best not in (pair["first"], pair["second"]) or pair[key] is None:
            continue
        sign = 1 if pair["first"] == best else -1
        one = pair[key]
        low, high = sorted((sign * one["low"], sign * one["high"]))
        told.append(
            {
                "name": pair["second"] if sign == 1 else pair["first"],
                "difference": sign * one["difference"],
                "low": low,
                "high": high,
                "ahead": one["ahead"] if sign == 1 else 1 - one["ahead"],
                "verdict": "behind" if low > 0 else "ahead" if high < 0 else "open",
            }
        )
    return told


def headline(document: Mapping[str, Any]) -> str:
    """One sentence that a person understands."""
    found, anomalies = document["detectors"], document["anomalies"]
    if anomalies is None:
        rates = [one["alert_rate"] for one in found.values() if one["alert_rate"] is not None]
        among = counted(document["sessions"], "session")
        if len(rates) < 2:
            return f"{next(iter(found))} alarms {percent(rates[0] if rates else None)} of {among}."
        low, high = percent(min(rates)), percent(max(rates))
        share = f"{low} of them each" if low == high else f"between {low} and {high} of them"
        return f"{counted(len(found), 'detector')} on {among} without labels: they alarm {share}."
    best, one = next(iter(found.items()))
    if not anomalies:
        few = min(found, key=lambda name: found[name]["alerts"])
        return f"No anomaly is labelled; {few} raises the fewest false alarms, {number(found[few]['alerts'])}."
    pairs = against_best(document)
    level = [pair["name"] for pair in pairs if pair["verdict"] == "open"]
    if not one["f1"]:
        return "No detector finds any anomaly."
    if len(found) == 1:
        return f"{best} reaches F1 {figure(one['f1'])}."
    if not level:
        return f"{best} is ahead of all others, with F1 {figure(one['f1'])}; chance does not explain it."
    shown = joined(level) if len(level) <= 3 else f"{joined(level[:2])} and {len(level) - 2} more"
    return f"{best} has the highest F1, {figure(one['f1'])}, but cannot be told apart from {shown}."


def lead(document: Mapping[str, Any]) -> list[str]:
    """What the headline leaves out, in short sentences."""
    bundles, anomalies = document["bundles"], document["anomalies"]
    if anomalies is None:
        return [
            f"{counted(len(bundles), 'bundle')} on {document['input']}, each detector at its own threshold. "
            "Without labels nobody can say who is right, only who agrees."
        ]
    said = [
        f"{counted(len(document['detectors']), 'detector')} of {counted(len(bundles), 'bundle')} on "
        f"{counted(document['sessions'], 'session')} of {document['input']}, {counted(anomalies, 'anomaly')}, "
        "each at its own threshold."
    ]
    missed = next((one["anomalies"] for one in document["agreement"]["patterns"] if not one["detectors"]), 0)
    if anomalies:
        said.append(f"{counted(missed, 'anomaly')} nobody finds." if missed else "Every anomaly is found by someone.")
    if document.get("overlap_allowed"):
        said.append("Sessions that took part in training were allowed into the test: the figures may be too good.")
    return said


def cards(document: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Key figures as ``(title, value, note)``."""
    found, anomalies = document["detectors"], document["anomalies"]
    told = [("sessions", number(document["sessions"]), _days(document["days"]))]
    if anomalies is not None:
        told.append(("anomalies", number(anomalies), f"{percent(anomalies / max(document['sessions'], 1))} of all"))
    best, one = next(iter(found.items()))
    if anomalies:
        span = one["intervals"].get("f1")
        note = f"{best}, {figure(span[0])} to {figure(span[1])}" if span else best
        told.append(("highest F1", figure(one["f1"]), note))
        areas = {name: o["pr_auc"] for name, o in found.items() if real(o["pr_auc"])}
        top = max(areas, key=lambda name: areas[name])
        told.append(("highest PR-AUC", figure(areas[top]), top))
        alone = {name: count for name, count in (document["alone"] or {}).items() if count}
        most = max(alone, key=lambda name: alone[name], default=None)
        note = f"{number(alone[most])} by {most}" if most else "no anomaly is found by just one"
        told.append(("found by one alone", number(sum(alone.values())), note))
    patterns = document["agreement"]["patterns"]
    every = sum(p["sessions"] for p in patterns if len(p["detectors"]) == len(found))
    either = sum(p["sessions"] for p in patterns if p["detectors"])
    if len(found) > 1:
        if anomalies is None:
            told.append(("alarmed by any", number(either), f"{percent(either / document['sessions'])} of all"))
        told.append(("alarmed by all", number(every), f"of {number(either)} alarmed by any"))
        if anomalies is None and (pair := _most_alike(document["agreement"])):
            told.append(("most alike", figure(pair[0], 2), f"{pair[1]} and {pair[2]}, share of alarms"))
    return told


def _most_alike(agreed: Mapping[str, Any]) -> tuple[float, str, str] | None:
    """The two detectors that share most of their alarms."""
    names, matrix = agreed["names"], agreed["jaccard"]
    pairs = [
        (matrix[i][j], names[j], names[i]) for i in range(len(names)) for j in range(i) if matrix[i][j] is not None
    ]
    return max(pairs, default=None)


def _days(days: Any) -> str:
    return f"over {number(days)} days" if real(days) else "without times"


def _span(interval: Any, column: Column) -> str:
    if not isinstance(interval, list) or not all(real(end) for end in interval):
        return ""
    return f"{column.show(interval[0])} to {column.show(interval[1])}"
