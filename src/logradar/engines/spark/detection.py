"""Detection: `logradar detect` on Spark, with the alerts and incidents of one machine."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa

from logradar.alerting.incident_groups import IncidentSettings
from logradar.alerting.incidents import incidents_of
from logradar.alerting.threshold import Threshold
from logradar.core.errors import ConfigError, InputError
from logradar.core.progress import Progress, say
from logradar.core.quarantine import Quarantine
from logradar.core.tables import ALERTS, RATE_CHANGES
from logradar.engines.spark.chains import chains
from logradar.engines.spark.cluster import Engine, connected, require_spark
from logradar.engines.spark.lines import lines_of
from logradar.engines.spark.messages import ALERTED, CELLS, FAULT, READ, SCHEMA, SCORED, Message, document, unpacked
from logradar.engines.spark.parts import PartScorer
from logradar.engines.spark.pieces import PLACED, PieceReader
from logradar.engines.spark.sealed_bundle import SealedBundle
from logradar.engines.spark.streaming import follow_on_spark
from logradar.model.bundle import Bundle
from logradar.pipeline.detect import Follow
from logradar.pipeline.detection.detected import Detected
from logradar.pipeline.detection.rates import changes_of
from logradar.scoring.drift_monitor import DriftMonitor
from logradar.scoring.rates.watch import NO_CHANGES
from logradar.scoring.scorer import OnScores, in_order_of_severity
from logradar.scoring.stream import Step
from logradar.sources.opening.files import COMPRESSED
from logradar.sources.opening.opening import Opened
from logradar.storage.grouping import require_times, say_what_became
from logradar.storage.rate_counting import RateCounting

_PART: Final = 64 << 20  # bytes of text in a partition, about
_PACKED: Final = 12  # bytes of text for each byte of a compressed log, about


@dataclass(frozen=True)
class SparkDetection:
    """A `logradar.pipeline.detection.detection_engine.DetectionEngine`.

    ``bundle`` is the folder of the bundle; it and the input have the same path on every node.
    """

    engine: Engine
    bundle: Path

    def whole(
        self,
        bundle: Bundle,
        limit: Threshold,
        opened: Opened,
        home: Path,
        on_scores: OnScores | None,
        grouping: IncidentSettings,
    ) -> Detected:
        """ALERTS, INCIDENTS, RATE_CHANGES and figures, as one machine finds them.

        Raises `ConfigError` for what Spark cannot do, `EngineError` where Spark fails, and what a detection raises.
        """
        _require_able(bundle, opened, on_scores)
        found = _Found(bundle, limit, home)
        with connected(self.engine) as session:
            parts = self.engine.partitions or partitions(opened, session.sparkContext.defaultParallelism)
            units, sealed = opened.units(), SealedBundle.of(self.bundle)
            reader = PieceReader(opened, units, sealed, chains(opened, units), places(session, parts))
            for message in _ran(session, reader, PartScorer(sealed, limit)):
                found.add(message)
            found.finish(opened, len(units))
            return found.detected(grouping, lambda ids: lines_of(session, opened, units, ids))

    def follow(
        self,
        bundle: Bundle,
        limit: Threshold,
        path: Path,
        state: Path | None,
        grouping: IncidentSettings,
        on_step: Callable[[Step], object],
    ) -> Detected:
        """What is found in the segments that land in the folder ``path``; see `follow_on_spark`."""
        return follow_on_spark(self.engine, self.bundle, bundle, limit, path, state, grouping, on_step)


def detection_on(engine: str, bundle: Path, spec: str | Follow, *, checkpoint: Path | None = None) -> SparkDetection:
    """What scores INPUT ``spec`` on the engine that the text names.

    Raises `ConfigError` for another engine and for what grows, `EngineError` where Spark is not installed.
    """
    found = SparkDetection(Engine.of(engine), bundle)
    require_spark()
    if spec == "-":
        raise ConfigError("Other machines cannot read standard input; write the log to a file, or leave out --engine.")
    if checkpoint is not None:
        raise ConfigError("An engine scores with the bundle as it is; leave out --checkpoint or --engine.")
    return found


def _require_able(bundle: Bundle, opened: Opened, on_scores: OnScores | None) -> None:
    if bundle.miner.uses_event_ids:
        raise ConfigError("Day files hold whole sessions, which one machine scores; leave out --engine.")
    if on_scores is not None:
        raise ConfigError("--format radar-json lists every session, which an engine does not gather; leave one out.")
    if Path(opened.spec).is_fifo():
        raise ConfigError("Other machines cannot read a pipe; write the log to a file, or leave out --engine.")


def partitions(opened: Opened, cores: int) -> int:
    """How many partitions suit an input: several for each core, and about 64 MB of text in each."""
    packed = any(COMPRESSED.search(file.name) for file in opened.files)
    size = opened.size * (_PACKED if packed or opened.prepared else 1)
    return max(2 * cores, -(-size // _PART))


def places(session: Any, parts: int) -> list[int]:
    """For each partition a number that Spark sends there, so that none stays empty and none gets twice as much."""
    if parts == 1:
        return [0]
    numbers = session.range(0, 30 * parts + 100).selectExpr(
        "cast(id as int) as id", f"pmod(hash(cast(id as int)), {parts}) as place"
    )
    first: dict[int, int] = {}
    for row in numbers.collect():
        first.setdefault(row["place"], row["id"])
    return sorted(first.values())


def _ran(session: Any, reader: PieceReader, scorer: PartScorer) -> Iterator[Message]:
    """What the executors found, message by message."""
    tasks = len(reader.chains)
    rows = session.range(0, tasks, 1, tasks).mapInArrow(reader, SCHEMA)
    rows = rows.repartition(len(reader.parts), "part").sortWithinPartitions("unit", "seq")
    context, title, group = session.sparkContext, "reading and scoring on Spark", f"logradar-{uuid.uuid4().hex}"
    context.setJobGroup(group, title, interruptOnCancel=True)
    with ThreadPoolExecutor(1) as pool, Progress(title, tasks + len(reader.parts), "tasks") as bar:
        from pyspark import inheritable_thread_target

        done = pool.submit(inheritable_thread_target(session)(lambda: rows.mapInArrow(scorer, SCHEMA).collect()))
        try:
            while not done.done():
                wait([done], 0.2)
                bar.advance(max(0, _finished(context, group) - bar.done))
        except BaseException:  # Ctrl-C: nobody waits for the tasks any more
            context.cancelJobGroup(group)
            raise
        collected = done.result()
    for row in collected:
        yield Message(row["part"], row["unit"], row["seq"], row["kind"], bytes(row["payload"]))


def _finished(context: Any, group: str) -> int:
    """How many tasks of these jobs are done."""
    tracker = context.statusTracker()
    jobs = [tracker.getJobInfo(number) for number in tracker.getJobIdsForGroup(group)]
    stages = [tracker.getStageInfo(number) for job in jobs if job for number in job.stageIds]
    return sum(stage.numCompletedTasks for stage in stages if stage)


@dataclass
class _Found:
    """What came back, put together in the driver."""

    bundle: Bundle
    limit: Threshold
    home: Path
    records: dict[int, int] = field(default_factory=dict)  # by unit
    reasons: Counter[str] = field(default_factory=Counter)
    remarks: list[dict[str, Any]] = field(default_factory=list)
    alerts: list[pa.Table] = field(default_factory=list)
    figures: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        profile = self.bundle.rates
        self.drift = DriftMonitor(self.bundle, self.limit)
        self.counting = RateCounting(profile.bucket, profile.lateness, self.home) if profile is not None else None

    def add(self, message: Message) -> None:
        """Take in one message, in any order."""
        if message.kind == FAULT:
            sentence = document(message.payload)["sentence"]
            raise InputError(f"{sentence} The input and the bundle must have the same path on every node.")
        if message.kind == READ:
            facts = document(message.payload)
            self.records |= {int(unit): count for unit, count in facts["records"]}
            self.reasons.update(facts["reasons"])
            self.remarks += facts["remarks"]
            return
        table = unpacked(message.payload)
        if message.kind == ALERTED:
            self.alerts.append(table.cast(ALERTS))
        elif message.kind == SCORED:
            self.drift.merge(table)
            self.figures.update(document(table.schema.metadata[b"figures"]))
        elif message.kind == CELLS and self.counting is not None:
            facts = document(table.schema.metadata[b"rates"])
            frames = [pl.DataFrame(table)] if len(table) else []
            self.counting.store.merge(frames, facts.get("tally", []), facts.get("last", self.counting.store.last))

    def finish(self, opened: Opened, units: int) -> None:
        """Say what one machine says of an input that was read, and raise what it raises."""
        self._starts = [0]
        for unit in range(units):
            self._starts.append(self._starts[-1] + self.records.get(unit, 0))
        opened.read_elsewhere(self.remarks, {})
        quarantine = Quarantine()
        quarantine.reasons.update(opened.quarantine.reasons + self.reasons)
        self.reasons = quarantine.reasons
        opened.require_records(self._starts[-1], quarantine)
        for sentence in (*opened.notes, quarantine.sentence()):
            if sentence:
                say(sentence)
        settings = self.bundle.settings.sessions.resolved(any_key=True)
        require_times(settings, bool(self.figures["timed"]))
        sessions, windowed, dropped = (self.figures[name] for name in ("sessions", "windowed", "dropped"))
        say_what_became(self._starts[-1], settings, sessions, windowed, dropped)

    def place(self, record: int) -> int:
        """The number of a record in the input, by its number in its unit."""
        unit, line = divmod(record, PLACED)
        return self._starts[unit] + line

    def detected(self, grouping: IncidentSettings, lines: Callable[[list[int]], pa.Table]) -> Detected:
        """The outcome; ``lines`` fetches LOG_RECORDS by record id."""
        changes, notes = NO_CHANGES, list[str]()
        if self.counting is not None:
            changes, notes = changes_of(self.bundle, self.counting, lines)
            places = [None if one is None else self.place(one) for one in changes["record_id"].to_pylist()]
            column = RATE_CHANGES.get_field_index("record_id")
            changes = changes.set_column(column, RATE_CHANGES.field(column), pa.array(places, pa.int64()))
        ranked = self._renumbered(in_order_of_severity(self.alerts))
        figures = {
            "records": self._starts[-1],
            "sessions": self.figures["sessions"],
            "quarantined": self.reasons.total(),
            "unknown_templates": self.drift.unknown,
            "silenced": self.figures["suppressed"],
            "drift": self.drift.drift(),
        }
        severity = self.bundle.settings.severity
        incidents = incidents_of(ranked, grouping, severity, changes=changes, now=self.drift.reached)
        return Detected(ranked, figures, incidents=incidents, rate_changes=changes, rate_notes=notes)

    def _renumbered(self, alerts: pa.Table) -> pa.Table:
        """ALERTS with the numbers of records in the whole input."""
        rows = alerts.to_pylist()
        for row in rows:
            row["record_ids"] = [self.place(one) for one in row["record_ids"]]
            for shown in row["evidence"]:
                if shown["record_id"] is not None:
                    shown["record_id"] = self.place(shown["record_id"])
        return pa.Table.from_pylist(rows, schema=ALERTS)
