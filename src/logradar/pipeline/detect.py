"""Detect: score new logs with a bundle and report what is not normal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from logradar.alerting.files import OUTPUTS, alert_json, change_json, write_alerts
from logradar.alerting.radar_results import FORMAT, RadarResults
from logradar.alerting.threshold import Threshold
from logradar.core.errors import ConfigError, InputError
from logradar.core.files import require_writable
from logradar.core.outputs import require_outside
from logradar.core.session_set import SessionSet
from logradar.model.bundle import Bundle, input_settings
from logradar.parsing.templates import TemplateMiner
from logradar.pipeline.checkpoint_weights import with_checkpoint
from logradar.pipeline.rates import changes_of, counting_of
from logradar.scoring.drift_monitor import DriftMonitor
from logradar.scoring.rates.changes import latest
from logradar.scoring.rates.watch import NO_CHANGES
from logradar.scoring.scorer import OnScores, Scorer, in_order_of_score
from logradar.scoring.signatures import Lines
from logradar.scoring.state import load_state, prepare_state, save_state
from logradar.scoring.stream import Step, Stream
from logradar.scoring.thresholds import notes, plan_threshold
from logradar.sources.live.growing import Growing
from logradar.sources.opening.opening import Opened, require_event_ids
from logradar.storage.day_files import DayStream
from logradar.storage.filling import fill
from logradar.storage.grouping import group
from logradar.storage.records import Corpus, collect, opening

FORMATS: Final = (*(suffix.removeprefix(".") for suffix in OUTPUTS), FORMAT)
OnStep = Callable[[Step], object]


@dataclass
class Detected:
    """The outcome of a detection: ALERTS, highest score first, RATE_CHANGES in order of time, and figures of the input.

    ``rate_notes`` are sentences on records whose rates could not be judged. ``keep`` writes the state
    of a stream; it is called once the alerts are safe.
    """

    alerts: pa.Table
    figures: dict[str, Any]
    keep: Callable[[], None] = lambda: None
    rate_changes: pa.Table = field(default_factory=lambda: NO_CHANGES)
    rate_notes: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """The figures and the rate changes as JSON values: all but the alerts, which may be many."""
        return {**self.figures, "rate_changes": [change_json(row) for row in self.rate_changes.to_pylist()]}

    def to_json(self, most: int | None = None) -> dict[str, Any]:
        """The document of ``detect --json``; with ``most``, only so many of the alerts."""
        shown = self.alerts if most is None else self.alerts.slice(0, most)
        return {**self.document(), "alerts": [alert_json(row) for row in shown.to_pylist()]}


@dataclass(frozen=True)
class Wish:
    """The threshold that is wished for; at most one of the three, none for the bundle's own."""

    threshold: float | None = None
    alerts_per_day: float | None = None
    precision: float | None = None

    def of(self, bundle: Bundle) -> Threshold:
        """The threshold for the main detector of ``bundle``."""
        return plan_threshold(bundle, self.threshold, self.alerts_per_day, self.precision)


def detect(
    bundle: Path,
    spec: str,
    *,
    given: dict[str, Any] | None = None,
    threshold: float | None = None,
    alerts_per_day: float | None = None,
    precision: float | None = None,
    on_scores: OnScores | None = None,
    on_step: OnStep | None = None,
    state: Path | None = None,
    checkpoint: Path | None = None,
) -> Detected:
    """Alerts for INPUT ``spec``, by the bundle's main detector; what feedback explains is counted, not reported.

    ``given`` are input settings by path (``{"input.session_key": …}``) that differ from the bundle's.
    ``threshold`` replaces the bundle's, ``alerts_per_day`` fits it anew on the validation scores that the
    bundle keeps, ``precision`` on these and on those of labelled anomalies. Messages that training did not have are
    counted and scored. ``on_scores`` is called with the scores of all sessions, piece by piece. ``checkpoint`` holds
    weights that score in place of the bundle's (see `logradar.pipeline.checkpoint_weights.with_checkpoint`).

    Lines of stdin (``-``) are scored as they arrive: ``on_step`` is called with what each batch brought, and with
    ``state`` what is open at the end is kept in that folder and goes on in the next call. Files are grouped as a
    whole; the alerts are the same.
    """
    wish = Wish(threshold, alerts_per_day, precision)
    found = _detect(bundle, spec, given, wish, on_scores, on_step, state, checkpoint)
    found.keep()
    return found


def _detect(
    bundle: Path,
    spec: str,
    given: dict[str, Any] | None,
    wish: Wish,
    on_scores: OnScores | None,
    on_step: OnStep | None,
    state: Path | None,
    checkpoint: Path | None,
    output: Path | None = None,
) -> Detected:
    loaded = Bundle.load(Path(bundle))
    if checkpoint is not None:
        loaded = with_checkpoint(loaded, checkpoint)
    limit = wish.of(loaded)
    growing = Growing.stdin() if spec == "-" and not loaded.miner.uses_event_ids else None
    if growing is not None and growing.plain:
        found = _growing(loaded, limit, growing, given, on_scores, on_step, state)
    elif state is not None:
        raise ConfigError(
            "--state is for lines of text that arrive on stdin, not compressed and not in UTF-16: "
            "logradar detect BUNDLE - --state DIR."
        )
    else:
        with opening(spec, input_settings(loaded, given, use_labels=False), outputs=[output]) as (opened, home):
            found = _whole(loaded, limit, opened, home, on_scores)
    found.figures |= {
        "detector": loaded.settings.detector,
        "threshold": limit.value,
        "notes": [
            *notes(limit, wish.alerts_per_day, wish.precision, loaded.facts.get("sessions_per_day")),
            *found.rate_notes,
        ],
        **({"checkpoint": loaded.facts["checkpoint"]} if checkpoint is not None else {}),
    }
    return found


def detect_into(
    output: Path | None,
    format_: str | None,
    bundle: Path,
    spec: str,
    *,
    given: dict[str, Any] | None = None,
    wish: Wish = Wish(),
    on_step: OnStep | None = None,
    state: Path | None = None,
    checkpoint: Path | None = None,
) -> Detected:
    """`detect`; its alerts are written to ``output``, or every session as RADAR's results.

    ``format_`` is one of `FORMATS`; None: as the name of the file ends. Raises `ConfigError` before anything is read.
    """
    if format_ is not None and format_ not in FORMATS:
        raise ConfigError(
            f"--format is what is written, {', '.join(FORMATS)}; '{format_}' is none of them. "
            "The header format of the input is --input-format."
        )
    if format_ is not None and output is None:
        raise ConfigError(f"--format {format_} needs a file to write: -o FILE.")
    if output is not None and format_ is None and output.suffix not in OUTPUTS:
        raise ConfigError(f"Alerts are written as {', '.join(OUTPUTS)}; '{output}' has another ending.")
    if output is not None:
        require_writable(output)
        require_outside(output)
    on_scores: OnScores | None = None
    with ExitStack() as stack:
        if format_ == FORMAT and output is not None:
            on_scores = stack.enter_context(RadarResults(output)).add
        found = _detect(bundle, spec, given, wish, on_scores, on_step, state, checkpoint, output)
    if output is not None and format_ != FORMAT:
        write_alerts(found.alerts, found.document(), output, format_)
    found.keep()
    return found


def _whole(bundle: Bundle, limit: Threshold, opened: Opened, home: Path, on_scores: OnScores | None) -> Detected:
    """An input that is there as a whole, piece by piece: what is in memory are some sessions and the alerts."""
    scorer, drift = Scorer(bundle, limit, on_scores), DriftMonitor(bundle, limit)
    alerts: list[pa.Table] = []
    sessions = suppressed = 0
    corpus: Corpus | DayStream
    if bundle.miner.uses_event_ids:
        corpus = DayStream(require_event_ids(opened), bundle.miner)
        pieces: Iterator[tuple[pa.Table, Lines, pa.Table | None]] = (
            (piece.sessions, piece.lines, piece.dated) for piece in corpus.pieces(home / "units.jsonl")
        )
    else:
        records = corpus = collect(opened, home)
        pieces = ((table, records.lines, None) for table in sessions_of(records, bundle, home))
    counting = counting_of(bundle, corpus, home)
    for table, lines, dated in pieces:
        if counting is not None and dated is not None:
            counting.add_sessions(table, dated["source"])
        scored = scorer.score(table, lines, dated)
        drift.add(table, scored.scores, scored.suppressed)
        alerts.append(scored.alerts)
        sessions += len(table)
        suppressed += len(scored.suppressed)
    changes, rate_notes = NO_CHANGES, list[str]()
    if counting is not None:
        if isinstance(corpus, Corpus):
            counting.add_corpus(corpus, home)
        changes, rate_notes = changes_of(bundle, counting, corpus.lines if isinstance(corpus, Corpus) else None)
    figures = {
        "records": corpus.records,
        "sessions": sessions,
        "quarantined": corpus.quarantined,
        "unknown_templates": drift.unknown,
        "silenced": suppressed,
        "drift": drift.drift(),
    }
    return Detected(in_order_of_score(alerts), figures, rate_changes=changes, rate_notes=rate_notes)


def _growing(
    bundle: Bundle,
    limit: Threshold,
    growing: Growing,
    given: dict[str, Any] | None,
    on_scores: OnScores | None,
    on_step: OnStep | None,
    state: Path | None,
) -> Detected:
    """Lines as they arrive, until they end or the user interrupts."""
    stream = Stream(bundle, limit, early=on_step is not None or state is not None, on_scores=on_scores)
    if state is not None:
        prepare_state(state)
        growing.lines = load_state(stream, bundle, state).get("lines", 0)
    before = stream.records
    alerts: list[pa.Table] = []
    early: list[pa.Table] = []
    changes: list[pa.Table] = []

    def take(step: Step) -> None:
        alerts.append(step.alerts)
        early.append(step.early)
        changes.append(step.rate_changes)
        if on_step is not None and (len(step.alerts) or len(step.early) or len(step.rate_changes)):
            on_step(step)

    with growing.interruptible():
        for records in growing.records(input_settings(bundle, given), bundle.settings.input.format):
            take(stream.step(records))
    if stream.records == before:
        raise InputError(f"'-' holds no log records. {growing.quarantine.sentence()}".strip())
    if state is None:
        take(stream.close())
    found = Detected(in_order_of_score(alerts), {"quarantined": growing.quarantine.count, **stream.figures()})
    found.rate_changes, found.rate_notes = latest(changes), stream.rate_notes()
    if state is not None:
        found.alerts = in_order_of_score([*alerts, _still_open(early, found.alerts)])
        found.figures["open_sessions"] = stream.open_sessions
        found.keep = partial(save_state, stream, bundle, state, lines=growing.lines)
    return found


def _still_open(early: list[pa.Table], over: pa.Table) -> pa.Table:
    """Early ALERTS whose sessions are not over when the call ends."""
    found = pa.concat_tables(early)
    return found.filter(pc.invert(pc.is_in(found["alert_id"], over["alert_id"].combine_chunks())))


def sessions_of(corpus: Corpus, bundle: Bundle, home: Path, every: bool = False) -> Iterator[pa.Table]:
    """SESSIONS of a corpus with the bundle's frozen templates and its way of grouping; one table, or many pieces.

    They carry the parameters of their events where the main detector, or with ``every`` any detector, needs them.
    """
    yield from filled_sessions(corpus, bundle, home, every).tables()


def filled_sessions(corpus: Corpus, bundle: Bundle, home: Path, every: bool = False) -> SessionSet:
    """The same as a whole, in memory or on disk."""
    assert isinstance(bundle.miner, TemplateMiner)
    wanted = bundle.detectors.values() if every else [bundle.main]
    grouped = group(corpus, bundle.settings.sessions, home)
    return fill(corpus, bundle.miner, grouped, home, any("parameters" in one.inputs for one in wanted))
