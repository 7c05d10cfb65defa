"""The summary of a run in words: headline, key figures, detectors side by side, what beats what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from logradar.core.formatting import counted, figure, joined, minute, number, percent, real
from logradar.reporting.run_folder import Run

# A new count vector is the rule that costs nothing and beats most networks: the bar to clear.
BAR: Final = "count_vector"


@dataclass(frozen=True)
class Column:
    """A column of the detector table; ``best`` is max, min or None (nothing to be marked)."""

    key: str
    title: str
    best: Any
    show: Any
    hint: str

    def of(self, figures: Mapping[str, Any]) -> float | None:
        """This column's figure; keys may be nested with a dot."""
        value: Any = figures
        for part in self.key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value if real(value) else None


COLUMNS: Final = (
    Column("f1", "F1", max, figure, "harmonic mean of precision and recall"),
    Column("precision", "precision", max, percent, "share of alarms that are right"),
    Column("recall", "recall", max, percent, "share of anomalies found"),
    Column("fpr", "FPR", min, percent, "share of normal sessions alarmed"),
    Column("false_alarms_per_day", "false alarms a day", min, number, "over the time that the test covers"),
    Column("pr_auc", "PR-AUC", max, figure, "average precision over all thresholds"),
    Column("roc_auc", "ROC-AUC", max, figure, "chance that an anomaly scores above a normal session"),
    Column("mcc", "MCC", max, figure, "correlation of alarms and labels"),
    Column("unseen_only.f1", "F1, unseen", max, figure, "only sessions whose sequence was never in training"),
    Column("oracle_f1", "oracle F1", None, figure, "best threshold chosen on the test labels: not attainable"),
)


def headline(run: Run) -> str:
    """One sentence that a person understands."""
    facts = run.evaluation
    if facts:
        return _evaluated(facts)
    if run.alerts:
        alerts, sessions = run.raised, run.alerts.get("sessions")
        among = f" among {counted(sessions, 'session')}" if sessions is not None else ""
        if not alerts:
            return f"Nothing stands out{among}."
        of = f"of {counted(sessions, 'session')}" if among else "session" if alerts == 1 else "sessions"
        return f"{number(alerts)} {of} {'stands' if alerts == 1 else 'stand'} out."
    if run.history:
        return f"Training of {joined(run.history)}."
    return f"Scores of {counted(len(run.scores) if run.scores is not None else 0, 'session')}."


def _evaluated(facts: Mapping[str, Any]) -> str:
    sessions, anomalies = facts.get("sessions"), facts.get("anomalies")
    found, false = facts.get("tp"), facts.get("fp")
    if not real(anomalies) or not anomalies:
        return f"No anomaly is labelled among {counted(sessions, 'session')}; {number(false)} of them were alarmed."
    a_day = facts.get("false_alarms_per_day")
    rate = f", about {number(round(a_day) if a_day >= 10 else a_day)} a day" if real(a_day) and a_day else ""
    weighted = " at natural prevalence" if facts.get("weighted") else ""
    false_part = f"{counted(false, 'false alarm')}{weighted}{rate}" if false else "no false alarm"
    whole = counted(anomalies, "anomaly")
    share = "all" if found == anomalies and anomalies > 1 else f"{number(found)} of"
    return f"Found {share} {whole} among {counted(sessions, 'session')}, with {false_part}."


def lead(run: Run) -> list[str]:
    """What the headline leaves out, in short sentences."""
    facts, said = run.evaluation, []
    if facts:
        split = run.section("split")
        began, ended = (split.get(key) for key in ("test_from", "test_until"))
        when = f", sessions of {minute(began)} to {minute(ended)}" if began and ended else ""
        said.append(f"Measured with {run.main or 'the main detector'} on {facts.get('input') or 'the input'}{when}.")
        return said + notes_on_detectors(run)[:1]
    for key, text in (
        ("records", "{} log records read"),
        ("quarantined", "{} pieces of input could not be read and are in quarantine"),
        ("unknown_templates", "{} events have a template that was never seen in training"),
    ):
        if run.alerts.get(key):
            said.append(text.format(number(run.alerts[key])) + ".")
    services = Counter(str(alert["service"]) for alert in run.alerts.get("alerts", []) if alert.get("service"))
    if len(services) > 1:
        said.append(f"Most alerts: {', '.join(f'{name} ({count:,})' for name, count in services.most_common(3))}.")
    return said


def cards(run: Run) -> list[tuple[str, str, str]]:
    """Key figures as ``(title, value, note)``."""
    facts = run.evaluation
    if not facts:
        alerts = run.alerts.get("alerts", [])
        severities = Counter(str(alert.get("severity") or "unrated") for alert in alerts)
        rows = (
            [("alerts", number(run.raised), ", ".join(f"{n} {s}" for s, n in severities.most_common()))]
            if run.alerts
            else []
        )
        keys = {"unknown_templates": "events with an unknown template"}
        keys = {"sessions": "sessions", "records": "log records", **keys, "quarantined": "quarantined"}
        return rows + [(title, number(run.alerts[key]), "") for key, title in keys.items() if key in run.alerts]
    unseen, spans = run.section("unseen_only"), run.section("intervals")
    days, false = facts.get("false_alarms_per_day"), facts.get("fp")
    found = [
        ("F1", figure(facts.get("f1")), f"unseen sequences only: {figure(unseen.get('f1'))}"),
        ("precision", percent(facts.get("precision")), _span(spans.get("precision"))),
        ("recall", percent(facts.get("recall")), _span(spans.get("recall"))),
        ("false alarms a day", number(days), f"{number(false)} in all, {percent(facts.get('fpr'))} of normal sessions"),
        ("PR-AUC", figure(facts.get("pr_auc")), f"chance: {figure(facts.get('prevalence'))}"),
        ("ROC-AUC", figure(facts.get("roc_auc")), f"recall at 1 % FPR: {percent(facts.get('recall_at_1pct_fpr'))}"),
    ]
    return [card for card in found if card[1] != figure(None)]


def _span(interval: Any) -> str:
    if not isinstance(interval, list) or len(interval) != 2:
        return ""
    return f"95 % interval {percent(interval[0])} to {percent(interval[1])}"


@dataclass(frozen=True)
class Row:
    """One detector in the table: its cells as ``(text, is best)`` and how it stands to the bar."""

    name: str
    main: bool
    trained: bool
    cells: list[tuple[str, bool]]
    verdict: str  # above, equal, below, "bar" itself, or empty


def table(run: Run) -> tuple[list[Column], list[Row]]:
    """Detectors side by side, best F1 first; columns that nobody has a figure for are left out."""
    found = run.detectors
    columns = [column for column in COLUMNS if any(column.of(one) is not None for one in found.values())]
    # Who never alarms rightly has no false alarms either: no reason for praise.
    able = {name: one for name, one in found.items() if real(one.get("recall")) and one["recall"] > 0}
    best = {
        column.key: column.best(values)
        for column in columns
        if column.best and (values := [v for one in able.values() if (v := column.of(one)) is not None])
    }
    names = sorted(found, key=lambda name: (-(_f1(found, name) or -1.0), name))
    rows = [
        Row(
            name,
            name == run.main,
            name in run.history,
            [
                (
                    column.show(column.of(found[name])),
                    name in able and column.of(found[name]) == best.get(column.key, ""),
                )
                for column in columns
            ],
            _verdict(name, found),
        )
        for name in names
    ]
    return columns, rows


def _f1(found: Mapping[str, Mapping[str, Any]], name: str) -> float | None:
    return COLUMNS[0].of(found.get(name, {}))


def _verdict(name: str, found: Mapping[str, Mapping[str, Any]]) -> str:
    bar, own = _f1(found, BAR), _f1(found, name)
    if bar is None:
        return ""
    if name == BAR:
        return "bar"
    if own is None or own < bar - 5e-4:
        return "below"
    return "above" if own > bar + 5e-4 else "equal"


def limits(run: Run) -> list[str]:
    """What the figures cannot show; see `logradar.evaluation.caveats`."""
    told = run.evaluation.get("limits")
    return [sentence for sentence in told if isinstance(sentence, str)] if isinstance(told, list) else []


def notes_on_detectors(run: Run) -> list[str]:
    """Who beats the simplest good rule and who does not, in words."""
    found = run.detectors
    verdicts = {name: _verdict(name, found) for name in found}
    if BAR not in found or not any(verdicts.values()) or len(found) < 2:
        return []
    above = [name for name, verdict in verdicts.items() if verdict == "above"]
    level = [name for name, verdict in verdicts.items() if verdict == "equal"]
    below = [name for name, verdict in verdicts.items() if verdict == "below"]
    bar = figure(found[BAR].get("f1"))
    parts = [f"A new count vector alone ({BAR}) reaches F1 {bar}"]
    parts.append(f"{joined(above)} beat{'s' if len(above) == 1 else ''} it" if above else "no other detector beats it")
    if level:
        parts.append(f"{joined(level)} equal{'s' if len(level) == 1 else ''} it")
    said = ["; ".join(parts) + "."]
    if below:
        said.append(f"Below it: {joined(below)}.")
    costly = [name for name in below + level if name in run.history]
    if costly:
        said.append(f"Trained, and not better than a rule that costs nothing on this data: {joined(costly)}.")
    anomalies = run.evaluation.get("anomalies")
    if real(anomalies) and 0 < anomalies < 500:
        said.append(
            f"With {counted(anomalies, 'anomaly')} small differences mean little: one anomaly more or less moves "
            f"recall by {percent(1 / anomalies)}."
        )
    return said
