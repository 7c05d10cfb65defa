"""The report of a run in words: headline, key figures, the table of detectors, and which detector beats which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from logradar.core.formatting import counted, figure, joined, minute, number, percent, real
from logradar.reporting import detector_table
from logradar.reporting.detector_table import COLUMNS, Column, Row, interval_text
from logradar.reporting.run_folder import Run

# The detector that all others are compared with: it costs nothing to train and beats most networks.
REFERENCE: Final = "count_vector"
_EQUAL: Final = 5e-4  # F1 values that differ by less than this are shown as the same


def headline(run: Run) -> str:
    """The result in one sentence."""
    facts = run.evaluation
    if facts:
        return _evaluated(facts)
    if run.alerts:
        alerts, sessions = run.raised, run.alerts.get("sessions")
        among = f" among {counted(sessions, 'session')}" if sessions is not None else ""
        if not alerts:
            return f"No session is anomalous{among}."
        of = f"of {counted(sessions, 'session')}" if among else "session" if alerts == 1 else "sessions"
        return f"{number(alerts)} {of} {'is' if alerts == 1 else 'are'} anomalous."
    if run.history:
        return f"Training of {joined(run.history)}."
    return f"Scores of {counted(len(run.scores) if run.scores is not None else 0, 'session')}."


def _evaluated(facts: Mapping[str, Any]) -> str:
    sessions, anomalies = facts.get("sessions"), facts.get("anomalies")
    hits, false = facts.get("tp"), facts.get("fp")
    if anomalies is None and real(alerts := facts.get("alerts")):
        return f"{counted(sessions, 'session')} without labels; {number(alerts)} of them raised an alarm."
    if not real(anomalies) or not anomalies:
        return f"No anomaly is labelled among {counted(sessions, 'session')}; {number(false)} of them raised an alarm."
    a_day = facts.get("false_alarms_per_day")
    rate = f", about {number(round(a_day) if a_day >= 10 else a_day)} a day" if real(a_day) and a_day else ""
    weighted = " at natural prevalence" if facts.get("weighted") else ""
    false_part = f"{counted(false, 'false alarm')}{weighted}{rate}" if false else "no false alarm"
    whole = counted(anomalies, "anomaly")
    share = "all" if hits == anomalies and anomalies > 1 else f"{number(hits)} of"
    return f"Found {share} {whole} among {counted(sessions, 'session')}, with {false_part}."


def lead(run: Run) -> list[str]:
    """The facts that the headline leaves out, in short sentences."""
    facts, sentences = run.evaluation, []
    if facts:
        split = run.section("split")
        began, ended = (split.get(key) for key in ("test_from", "test_until"))
        when = f", sessions from {minute(began)} to {minute(ended)}" if began and ended else ""
        who = run.main or "the main detector"
        sentences.append(f"Measured with {who} on {facts.get('input') or 'the input'}{when}.")
        return sentences + notes_on_detectors(run)[:1]
    for key, text in (
        ("records", "{} log records read"),
        ("quarantined", "{} pieces of input could not be read and are in quarantine"),
        ("unknown_templates", "{} events have a template that was never seen in training"),
    ):
        if run.alerts.get(key):
            sentences.append(text.format(number(run.alerts[key])) + ".")
    services = Counter(str(alert["service"]) for alert in run.alerts.get("alerts", []) if alert.get("service"))
    if len(services) > 1:
        most = ", ".join(f"{name} ({count:,})" for name, count in services.most_common(3))
        sentences.append(f"Services with most alerts: {most}.")
    return sentences


def cards(run: Run) -> list[tuple[str, str, str]]:
    """Key figures as ``(title, value, note)``."""
    facts = run.evaluation
    if not facts:
        return _cards_of_detection(run)
    unseen, intervals = run.section("unseen_only"), run.section("intervals")
    a_day, false = facts.get("false_alarms_per_day"), facts.get("fp")
    shown = [
        ("F1", figure(facts.get("f1")), f"unseen sequences only: {figure(unseen.get('f1'))}"),
        ("precision", percent(facts.get("precision")), _interval(intervals.get("precision"))),
        ("recall", percent(facts.get("recall")), _interval(intervals.get("recall"))),
        (
            "false alarms a day",
            number(a_day),
            f"{number(false)} in all, {percent(facts.get('fpr'))} of normal sessions",
        ),
        ("PR-AUC", figure(facts.get("pr_auc")), f"chance: {figure(facts.get('prevalence'))}"),
        ("ROC-AUC", figure(facts.get("roc_auc")), f"recall at 1 % FPR: {percent(facts.get('recall_at_1pct_fpr'))}"),
    ]
    return [card for card in shown if card[1] != figure(None)]


def _cards_of_detection(run: Run) -> list[tuple[str, str, str]]:
    severities = Counter(str(alert.get("severity") or "unrated") for alert in run.alerts.get("alerts", []))
    by_severity = ", ".join(f"{count} {severity}" for severity, count in severities.most_common())
    shown = [("alerts", number(run.raised), by_severity)] if run.alerts else []
    for key, title in (
        ("sessions", "sessions"),
        ("records", "log records"),
        ("unknown_templates", "events with an unknown template"),
        ("quarantined", "quarantined"),
    ):
        if key in run.alerts:
            shown.append((title, number(run.alerts[key]), ""))
    return shown


def _interval(ends: Any) -> str:
    text = interval_text(ends, percent)
    return f"95 % interval {text}" if text else ""


def table(run: Run) -> tuple[list[Column], list[Row]]:
    """The table of detectors, best F1 first; columns without any figure are left out."""
    names = sorted(run.detectors, key=lambda name: (-(_f1(run.detectors, name) or -1.0), name))
    detectors = {name: run.detectors[name] for name in names}
    columns = detector_table.with_values(COLUMNS, detectors)
    verdicts = {name: _verdict(name, detectors) for name in names}
    return columns, detector_table.rows(detectors, columns, verdicts, (run.main,), run.history)


def _f1(detectors: Mapping[str, Mapping[str, Any]], name: str) -> float | None:
    return COLUMNS[0].of(detectors.get(name, {}))


def _verdict(name: str, detectors: Mapping[str, Mapping[str, Any]]) -> str:
    """F1 against that of `REFERENCE`: above, equal, below, "reference" for itself, '' where it is not there."""
    reference, own = _f1(detectors, REFERENCE), _f1(detectors, name)
    if reference is None:
        return ""
    if name == REFERENCE:
        return "reference"
    if own is None or own < reference - _EQUAL:
        return "below"
    return "above" if own > reference + _EQUAL else "equal"


def caveats(run: Run) -> list[str]:
    """What the figures cannot show; see `logradar.evaluation.caveats`."""
    listed = run.evaluation.get("caveats")
    return [sentence for sentence in listed if isinstance(sentence, str)] if isinstance(listed, list) else []


def notes_on_detectors(run: Run) -> list[str]:
    """Which detectors beat `REFERENCE` and which do not, in sentences."""
    detectors = run.detectors
    verdicts = {name: _verdict(name, detectors) for name in detectors}
    if REFERENCE not in detectors or not any(verdicts.values()) or len(detectors) < 2:
        return []
    above = [name for name, verdict in verdicts.items() if verdict == "above"]
    level = [name for name, verdict in verdicts.items() if verdict == "equal"]
    below = [name for name, verdict in verdicts.items() if verdict == "below"]
    parts = [f"A new count vector alone ({REFERENCE}) reaches F1 {figure(detectors[REFERENCE].get('f1'))}"]
    parts.append(f"{joined(above)} beat{'s' if len(above) == 1 else ''} it" if above else "no other detector beats it")
    if level:
        parts.append(f"{joined(level)} equal{'s' if len(level) == 1 else ''} it")
    notes = ["; ".join(parts) + "."]
    if below:
        notes.append(f"Below it: {joined(below)}.")
    costly = [name for name in below + level if name in run.history]
    if costly:
        notes.append(f"Trained, but not better than this rule without training on this data: {joined(costly)}.")
    anomalies = run.evaluation.get("anomalies")
    if real(anomalies) and 0 < anomalies < 500:
        notes.append(
            f"With {counted(anomalies, 'anomaly')}, small differences mean little: one anomaly more or less moves "
            f"recall by {percent(1 / anomalies)}."
        )
    return notes
