"""Detect: score new logs with a bundle and report what is not normal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from logradar.alerting.files import OUTPUTS, write_alerts
from logradar.alerting.incident_files import require_incident_file, write_incidents
from logradar.alerting.incident_groups import IncidentSettings
from logradar.alerting.incidents import IncidentList, incidents_of
from logradar.alerting.radar_results import FORMAT, RadarResults
from logradar.alerting.threshold import Threshold
from logradar.core.config import validated
from logradar.core.errors import ConfigError, InputError
from logradar.core.files import require_writable
from logradar.core.outputs import require_apart, require_outside
from logradar.core.session_set import SessionSet
from logradar.model.bundle import Bundle, input_settings
from logradar.parsing.templates import TemplateMiner
from logradar.pipeline.detection.detected import Detected
from logradar.pipeline.detection.detection_engine import DetectionEngine
from logradar.pipeline.detection.outlets import NOBODY, OnStep, Outlets, Sharing
from logradar.pipeline.detection.rates import changes_of, counting_of
from logradar.reporting.alert_list import TOP as PAGE
from logradar.scoring.drift_monitor import DriftMonitor
from logradar.scoring.rates.changes import latest
from logradar.scoring.rates.watch import NO_CHANGES
from logradar.scoring.scorer import NO_ALERTS, OnScores, Scorer, in_order_of_severity
from logradar.scoring.signatures import Lines
from logradar.scoring.state import load_state, prepare_state, save_state
from logradar.scoring.stream import Step, Stream
from logradar.scoring.thresholds import notes, plan_threshold
from logradar.sources.live.following import Followed
from logradar.sources.live.growing import Growing
from logradar.sources.live.pipe import STDIN
from logradar.sources.opening.opening import Opened, require_event_ids
from logradar.storage.day_files import DayStream
from logradar.storage.filling import fill
from logradar.storage.grouping import group
from logradar.storage.records import Corpus, collect, opening

HTML: Final = "html"
FORMATS: Final = (*(suffix.removeprefix(".") for suffix in OUTPUTS), HTML, FORMAT)


@dataclass(frozen=True)
class Wish:
    """The threshold that is wished for; at most one of the three, none for the bundle's own."""

    threshold: float | None = None
    alerts_per_day: float | None = None
    precision: float | None = None

    def of(self, bundle: Bundle) -> Threshold:
        """The threshold for the main detector of ``bundle``."""
        return plan_threshold(bundle, self.threshold, self.alerts_per_day, self.precision)


@dataclass(frozen=True)
class Follow:
    """A file that grows, as an input: from its last lines on, or ``whole``."""

    path: Path
    whole: bool = False


def detect(
    bundle: Path,
    spec: str | Follow,
    *,
    given: dict[str, Any] | None = None,
    threshold: float | None = None,
    alerts_per_day: float | None = None,
    precision: float | None = None,
    on_scores: OnScores | None = None,
    on_step: OnStep | None = None,
    state: Path | None = None,
    checkpoint: Path | None = None,
    quiet_minutes: float | None = None,
    sharing: Sharing = NOBODY,
) -> Detected:
    """Alerts for INPUT ``spec``, by the bundle's main detector; what feedback explains is counted, not reported.

    ``given`` are input settings by path (``{"input.session_key": …}``) that differ from the bundle's.
    ``threshold`` replaces the bundle's, ``alerts_per_day`` fits it anew on the validation scores that the
    bundle keeps, ``precision`` on these and on those of labelled anomalies. Messages that training did not have are
    counted and scored. ``on_scores`` is called with the scores of all sessions, piece by piece. ``checkpoint`` holds
    weights that score in place of the bundle's (see `logradar.pipeline.checkpoint_weights.with_checkpoint`).
    ``quiet_minutes`` without a further alert end an incident; None: as the bundle says.

    Lines of stdin (``-``) are scored as they arrive: ``on_step`` is called with what each batch brought, and with
    ``state`` what is open at the end is kept in that folder and goes on in the next call. Files are grouped as a
    whole; the alerts are the same. A file to `Follow` is read like lines of stdin, until the user interrupts.
    ``sharing`` says who else gets what is found, and what is masked.
    """
    wish = Wish(threshold, alerts_per_day, precision)
    found = _detect(
        bundle, spec, given, wish, on_scores, on_step, state, checkpoint, quiet_minutes=quiet_minutes, sharing=sharing
    )
    found.keep()
    return found


def _detect(
    bundle: Path,
    spec: str | Follow,
    given: dict[str, Any] | None,
    wish: Wish,
    on_scores: OnScores | None,
    on_step: OnStep | None,
    state: Path | None,
    checkpoint: Path | None,
    outputs: Sequence[Path | None] = (),
    quiet_minutes: float | None = None,
    sharing: Sharing = NOBODY,
    engine: DetectionEngine | None = None,
) -> Detected:
    sharing.endpoint()  # a wrong one is said before anything is read
    loaded = Bundle.load(Path(bundle))
    grouping = loaded.settings.incidents
    if quiet_minutes is not None:
        grouping = validated(IncidentSettings, {**grouping.model_dump(), "quiet_minutes": quiet_minutes}, "incidents")
    if checkpoint is not None:
        from logradar.pipeline.checkpoint_weights import with_checkpoint  # reads networks

        loaded = with_checkpoint(loaded, checkpoint)
    limit = wish.of(loaded)
    about = {"detector": loaded.settings.detector, "threshold": limit.value, "input": _named(spec)}
    with Outlets(sharing, loaded.settings.redaction, about, on_step) as outlets:
        growing = Growing.stdin() if spec == "-" and not loaded.miner.uses_event_ids else None
        if engine is not None and isinstance(spec, Follow):
            if given:
                raise ConfigError("An engine follows a stream as the bundle says; leave out what says how to read.")
            found = engine.follow(loaded, limit, spec.path, state, grouping, outlets.step)
        elif isinstance(spec, Follow):
            require_apart(outputs, [spec.path])
            found = _growing(loaded, limit, partial(_followed, spec, state), given, on_scores, outlets, state, grouping)
        elif growing is not None and growing.plain:
            found = _growing(loaded, limit, growing.at_line, given, on_scores, outlets, state, grouping)
        elif state is not None:
            raise ConfigError(
                "--state is for lines of text that arrive on stdin or in a file that is followed, not compressed and "
                "not in UTF-16: logradar detect BUNDLE - --state DIR."
            )
        else:
            with opening(str(spec), input_settings(loaded, given, use_labels=False), outputs=outputs) as (opened, home):
                score = engine.whole if engine is not None else _whole
                found = score(loaded, limit, opened, home, on_scores, grouping)
            outlets.send(found.alerts, found.incidents)
    found.figures |= {
        "detector": loaded.settings.detector,
        "threshold": limit.value,
        "notes": [
            *notes(limit, wish.alerts_per_day, wish.precision, loaded.facts.get("sessions_per_day")),
            *found.rate_notes,
        ],
        **({"checkpoint": loaded.facts["checkpoint"]} if checkpoint is not None else {}),
    }
    figures = outlets.figures(found.figures)
    alerts, incidents, changes = map(outlets.table, (found.alerts, found.incidents, found.rate_changes))
    return Detected(alerts, figures, found.keep, incidents, changes, found.rate_notes)


def _named(spec: str | Follow) -> str:
    """What an input is called on a page."""
    return STDIN if spec == "-" else spec.path.name if isinstance(spec, Follow) else Path(spec).name


def _followed(spec: Follow, state: Path | None, facts: Mapping[str, Any]) -> Growing:
    """A file that is followed, from where an earlier call with this state ended."""
    known = facts.get("followed")
    if facts and known is None:
        raise ConfigError("This state was made from stdin; name another folder to follow a file.")
    feed = Followed(spec.path, whole=spec.whole, known=known)
    growing = Growing.file(feed, whole_lines=state is not None)
    if not growing.plain:
        feed.close()
        raise InputError(
            f"'{spec.path}' is compressed, in UTF-16 or a JSON document; only lines of text can be followed."
        )
    return growing


def detect_into(
    output: Path | None,
    format_: str | None,
    bundle: Path,
    spec: str | Follow,
    *,
    given: dict[str, Any] | None = None,
    wish: Wish = Wish(),
    on_step: OnStep | None = None,
    state: Path | None = None,
    checkpoint: Path | None = None,
    quiet_minutes: float | None = None,
    incidents: Path | None = None,
    sharing: Sharing = NOBODY,
    engine: DetectionEngine | None = None,
) -> Detected:
    """`detect`; its alerts are written to ``output``, or every session as RADAR's results.

    ``incidents`` is a file for INCIDENTS alone, as .json, .parquet or .csv. ``format_`` is one of `FORMATS`; None: as
    the name of the file ends. ``engine`` does the work elsewhere.
    Raises `ConfigError` before anything is read.
    """
    if format_ is not None and format_ not in FORMATS:
        raise ConfigError(
            f"--format is what is written, {', '.join(FORMATS)}; '{format_}' is none of them. "
            "The header format of the input is --input-format."
        )
    if format_ is not None and output is None:
        raise ConfigError(f"--format {format_} needs a file to write: -o FILE.")
    if output is not None and format_ is None and output.suffix not in (*OUTPUTS, f".{HTML}"):
        raise ConfigError(f"Alerts are written as {', '.join((*OUTPUTS, '.html'))}; '{output}' has another ending.")
    if format_ == FORMAT and sharing.redact:
        raise ConfigError(f"--format {FORMAT} has ids and scores, which other tools look up; leave out --redact.")
    if output is not None:
        require_writable(output)
        require_outside(output)
    if incidents is not None:
        require_incident_file(incidents)
        require_writable(incidents)
        require_outside(incidents)
        if output is not None and incidents.absolute() == output.absolute():
            raise ConfigError(f"-o and --incidents both name '{output}'; give them two names.")
    on_scores: OnScores | None = None
    with ExitStack() as stack:
        if format_ == FORMAT and output is not None:
            on_scores = stack.enter_context(RadarResults(output)).add
        found = _detect(
            *(bundle, spec, given, wish, on_scores, on_step, state, checkpoint, [output, incidents], quiet_minutes),
            sharing=sharing,
            engine=engine,
        )
    if output is not None and HTML in (format_, output.suffix.removeprefix(".") if format_ is None else None):
        from logradar.reporting.detection_page import write_detection  # draws

        write_detection(found.to_json(PAGE), _named(spec), len(found.alerts), output)
    elif output is not None and format_ != FORMAT:
        write_alerts(found.alerts, found.document(), output, format_)
    if incidents is not None:
        write_incidents(found.incidents, incidents)
    found.keep()
    return found


def _whole(
    bundle: Bundle,
    limit: Threshold,
    opened: Opened,
    home: Path,
    on_scores: OnScores | None,
    grouping: IncidentSettings,
) -> Detected:
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
    ranked = in_order_of_severity(alerts)
    incidents = incidents_of(ranked, grouping, bundle.settings.severity, changes=changes, now=drift.reached)
    return Detected(ranked, figures, incidents=incidents, rate_changes=changes, rate_notes=rate_notes)


def _growing(
    bundle: Bundle,
    limit: Threshold,
    opened: Callable[[Mapping[str, Any]], Growing],
    given: dict[str, Any] | None,
    on_scores: OnScores | None,
    outlets: Outlets,
    state: Path | None,
    grouping: IncidentSettings,
) -> Detected:
    """Lines as they arrive, until they end or the user interrupts; ``opened`` gets the facts of the state."""
    stream = Stream(bundle, limit, early=outlets.early or state is not None, on_scores=on_scores, incidents=grouping)
    facts: dict[str, Any] = {}
    if state is not None:
        prepare_state(state)
        facts = load_state(stream, bundle, state)
    before = stream.records
    alerts: list[pa.Table] = []
    early: list[pa.Table] = []
    withdrawn: set[str] = set()
    changes: list[pa.Table] = []
    incidents = IncidentList()

    def take(step: Step) -> None:
        alerts.append(step.alerts)
        early.append(step.early)
        withdrawn.update(step.withdrawn)
        changes.append(step.rate_changes)
        incidents.add(step.incidents)
        outlets.step(step)

    with ExitStack() as stack:
        growing = opened(facts)
        stack.callback(growing.close)
        with growing.interruptible():
            for records in growing.records(input_settings(bundle, given), bundle.settings.input.format):
                take(stream.step(records))
        place = growing.place()
    if stream.records == before and growing.name == STDIN:
        raise InputError(f"'-' holds no log records. {growing.quarantine.sentence()}".strip())
    take(stream.close() if state is None else stream.settle())
    found = Detected(in_order_of_severity(alerts), {"quarantined": growing.quarantine.count, **stream.figures()})
    found.incidents = incidents.table()
    found.rate_changes, found.rate_notes = latest(changes), stream.rate_notes()
    if state is not None:
        found.alerts = in_order_of_severity([*alerts, _still_open(early, found.alerts, withdrawn)])
        found.figures["open_sessions"] = stream.open_sessions
        found.keep = partial(save_state, stream, bundle, state, **place)
    return found


def _still_open(early: list[pa.Table], over: pa.Table, withdrawn: set[str]) -> pa.Table:
    """Early ALERTS whose sessions are not over when the call ends."""
    found = pa.concat_tables([NO_ALERTS, *early]).unify_dictionaries()
    gone = pa.array([*over["alert_id"].to_pylist(), *withdrawn], pa.string())
    return found.filter(pc.invert(pc.is_in(found["alert_id"], gone)))


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
    return fill(corpus, bundle.miner, grouped, home, frozenset[str]().union(*(one.inputs for one in wanted)))
