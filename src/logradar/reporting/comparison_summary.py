"""The result of a comparison in words and cells: which detector leads, by how much, and whether chance explains it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from logradar.core.formatting import counted, figure, joined, number, percent, real
from logradar.reporting import detector_table
from logradar.reporting.detector_table import COLUMNS, Column, Row

_COMPARED: Final = ("f1", "precision", "recall", "fpr", "pr_auc", "roc_auc", "false_alarms_per_day")
_SECONDS: Final = Column("seconds", "seconds", None, number, "to score all sessions, on this machine")
_WITHOUT_LABELS: Final = (
    Column("alerts", "alerts", None, number, "sessions above the threshold"),
    Column("alert_rate", "of all", None, percent, "share of the sessions"),
    Column("alerts_per_day", "alerts a day", None, number, "over the time that the sessions cover"),
    Column("threshold", "threshold", None, number, "fitted on normal validation sessions"),
    Column("scores.median", "median score", None, number, "each detector has its own scale"),
    Column("scores.p99", "99th percentile", None, number, "each detector has its own scale"),
    Column("scores.max", "highest score", None, number, "each detector has its own scale"),
)


def table(document: Mapping[str, Any]) -> tuple[list[Column], list[Row]]:
    """The table of detectors, best first; without labels it shows how many alerts each one raises.

    The verdict of a row is "best", "behind", "ahead" or "open" (chance alone may explain the difference).
    """
    detectors = document["detectors"]
    labelled = document["anomalies"] is not None
    shown = [column for column in COLUMNS if column.key in _COMPARED] if labelled else list(_WITHOUT_LABELS)
    columns = detector_table.with_values([*shown, _SECONDS], detectors)
    verdicts = {pair["name"]: pair["verdict"] for pair in against_best(document)}
    if verdicts:
        verdicts = dict.fromkeys(detectors, "best") | verdicts
    main = [name for name, figures in detectors.items() if figures["main"]]
    return columns, detector_table.rows(detectors, columns, verdicts, main)


def against_best(document: Mapping[str, Any], key: str = "f1") -> list[dict[str, Any]]:
    """The best detector against each other one: difference, interval, and how the other one stands.

    ``difference`` is best minus other, ``verdict`` "behind", "ahead" or "open" (the interval contains 0).
    """
    if not document["differences"]:
        return []
    best = next(iter(document["detectors"]))
    rows = []
    for pair in document["differences"]:
        if best not in (pair["first"], pair["second"]) or pair[key] is None:
            continue
        sign = 1 if pair["first"] == best else -1
        figures = pair[key]
        low, high = sorted((sign * figures["low"], sign * figures["high"]))
        rows.append(
            {
                "name": pair["second"] if sign == 1 else pair["first"],
                "difference": sign * figures["difference"],
                "low": low,
                "high": high,
                "ahead": figures["ahead"] if sign == 1 else 1 - figures["ahead"],
                "verdict": "behind" if low > 0 else "ahead" if high < 0 else "open",
            }
        )
    return rows


def headline(document: Mapping[str, Any]) -> str:
    """The result in one sentence."""
    detectors, anomalies = document["detectors"], document["anomalies"]
    if anomalies is None:
        rates = [figures["alert_rate"] for figures in detectors.values() if figures["alert_rate"] is not None]
        among = counted(document["sessions"], "session")
        if len(rates) < 2:
            return f"{next(iter(detectors))} raises an alarm on {percent(rates[0] if rates else None)} of {among}."
        low, high = percent(min(rates)), percent(max(rates))
        share = f"{low} of them" if low == high else f"between {low} and {high} of them"
        return f"{counted(len(detectors), 'detector')} on {among} without labels: each raises an alarm on {share}."
    best, figures = next(iter(detectors.items()))
    if not anomalies:
        fewest = min(detectors, key=lambda name: detectors[name]["alerts"])
        alarms = counted(detectors[fewest]["alerts"], "false alarm")
        return f"No anomaly is labelled; {fewest} raises the fewest alarms: {alarms}."
    if not figures["f1"]:
        return "No detector finds any anomaly."
    if len(detectors) == 1:
        return f"{best} reaches F1 {figure(figures['f1'])}."
    equal = [pair["name"] for pair in against_best(document) if pair["verdict"] == "open"]
    if not equal:
        return f"{best} is ahead of all others, with F1 {figure(figures['f1'])}; chance does not explain it."
    shown = joined(equal) if len(equal) <= 3 else f"{joined(equal[:2])} and {len(equal) - 2} more"
    return f"{best} has the highest F1, {figure(figures['f1'])}; the difference to {shown} may be due to chance."


def lead(document: Mapping[str, Any]) -> list[str]:
    """The facts that the headline leaves out, in short sentences."""
    bundles, anomalies = document["bundles"], document["anomalies"]
    if anomalies is None:
        return [
            f"{counted(len(bundles), 'bundle')} on {document['input']}, each detector at its own threshold. "
            "Without labels we cannot say which detector is right, only which ones agree."
        ]
    sentences = [
        f"{counted(len(document['detectors']), 'detector')} of {counted(len(bundles), 'bundle')} on "
        f"{counted(document['sessions'], 'session')} of {document['input']}, {counted(anomalies, 'anomaly')}, "
        "each at its own threshold."
    ]
    missed = next((row["anomalies"] for row in document["agreement"]["patterns"] if not row["detectors"]), 0)
    if anomalies:
        verb = "is" if missed == 1 else "are"
        sentences.append(
            f"{counted(missed, 'anomaly')} {verb} found by no detector."
            if missed
            else "Every anomaly is found by at least one detector."
        )
    if document.get("overlap_allowed"):
        sentences.append("The test may contain sessions that took part in training: the figures may be too good.")
    return sentences


def cards(document: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Key figures as ``(title, value, note)``."""
    detectors, anomalies = document["detectors"], document["anomalies"]
    shown = [("sessions", number(document["sessions"]), _days(document["days"]))]
    if anomalies is not None:
        shown.append(("anomalies", number(anomalies), f"{percent(anomalies / max(document['sessions'], 1))} of all"))
    if anomalies:
        shown += _cards_with_labels(document)
    patterns = document["agreement"]["patterns"]
    by_all = sum(row["sessions"] for row in patterns if len(row["detectors"]) == len(detectors))
    by_any = sum(row["sessions"] for row in patterns if row["detectors"])
    if len(detectors) > 1:
        if anomalies is None:
            shown.append(("alarm by any detector", number(by_any), f"{percent(by_any / document['sessions'])} of all"))
        shown.append(("alarm by all detectors", number(by_all), f"of {number(by_any)} with any alarm"))
        if anomalies is None and (pair := _most_alike(document["agreement"])):
            shown.append(("most alike", figure(pair[0], 2), f"{pair[1]} and {pair[2]}, share of common alarms"))
    return shown


def _cards_with_labels(document: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    detectors = document["detectors"]
    best, figures = next(iter(detectors.items()))
    ends = figures["intervals"].get("f1")
    note = f"{best}, {figure(ends[0])} to {figure(ends[1])}" if ends else best
    areas = {name: row["pr_auc"] for name, row in detectors.items() if real(row["pr_auc"])}
    largest = max(areas, key=lambda name: areas[name])
    alone = {name: count for name, count in (document["alone"] or {}).items() if count}
    most = max(alone, key=lambda name: alone[name], default=None)
    by = f"{number(alone[most])} by {most}" if most else "every anomaly found is found by several"
    return [
        ("highest F1", figure(figures["f1"]), note),
        ("highest PR-AUC", figure(areas[largest]), largest),
        ("found by one detector only", number(sum(alone.values())), by),
    ]


def _most_alike(agreement: Mapping[str, Any]) -> tuple[float, str, str] | None:
    """The two detectors with the largest share of common alarms."""
    names, matrix = agreement["names"], agreement["jaccard"]
    pairs = [
        (matrix[i][j], names[j], names[i]) for i in range(len(names)) for j in range(i) if matrix[i][j] is not None
    ]
    return max(pairs, default=None)


def _days(days: Any) -> str:
    return f"over {number(days)} days" if real(days) else "without times"
