"""Gather: the sessions of day files as SESSIONS on disk, in order of time, ready to be learnt from.

Their events have ids of their own, so nothing has to be mined, and what is in memory at a time
are the sessions of one file at most, without their lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from logradar.core.progress import Progress, say
from logradar.core.quarantine import Quarantine
from logradar.core.shards import Shards
from logradar.core.tables import SESSIONS
from logradar.evaluation.splits import PARTS, by_file
from logradar.model.settings import RunSettings
from logradar.parsing.given_templates import GivenTemplates
from logradar.pipeline.training_data.sessions import TrainingData, cut, of_shards, short_names
from logradar.sources.opening.opening import Opened
from logradar.sources.radar.dated import runs, sessions_of
from logradar.sources.radar.lines import EventLines
from logradar.storage.records import EVENTS
from logradar.storage.shards_writer import CODEC, NOTES

STRETCH: Final = 300_000  # sessions that are sorted by time together; smaller files go together
GROUP: Final = 50_000
KEPT: Final = [name for name in SESSIONS.names if name not in ("record_ids", "gaps", "parameters")]


@dataclass
class DaySessions:
    """SESSIONS of an input in Parquet, and what was met on the way.

    ``files`` are the names of the input's files in order, ``parts`` the Parquet files of each, where
    they were to be kept apart.
    """

    paths: list[Path] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    parts: dict[str, list[Path]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    events: int = 0
    empty: int = 0
    lines: EventLines = field(default_factory=EventLines)
    reasons: dict[str, int] = field(default_factory=dict)


def gather(opened: Opened, home: Path, apart: bool) -> DaySessions:
    """Read an input that groups into ``home``; ``apart`` keeps the sessions of each file in files of their own."""
    found = DaySessions()
    folder = home / "sessions"
    folder.mkdir(parents=True, exist_ok=True)
    waiting: list[pa.Table] = []
    rows = 0
    quarantine = Quarantine(home / "units.jsonl")
    name = ""
    for name, table in _by_file(opened, quarantine, found):
        if waiting and (rows >= STRETCH or (apart and name != found.files[-1])):
            _flush(found, folder, waiting)
            rows = 0
        if not found.files or found.files[-1] != name:
            found.files.append(name)
        waiting.append(table)
        rows += table.num_rows
        found.counts[name] = found.counts.get(name, 0) + table.num_rows
    if waiting:
        _flush(found, folder, waiting)
    found.reasons = dict(quarantine.reasons + opened.quarantine.reasons)
    reported = Quarantine()
    reported.reasons.update(found.reasons)
    opened.require_records(found.events, reported)
    for sentence in (*opened.notes, reported.sentence()):
        if sentence:
            say(sentence)
    if found.empty:
        say(f"{found.empty:,} sessions without events are left out.")
    return found


def from_days(found: DaySessions, settings: RunSettings) -> TrainingData:
    """Split what was gathered; whole files where ``split.by`` says so, else sessions by time."""
    files, split = None, settings.split
    whole = Shards.of(found.paths)
    if split.by == "files":
        names = short_names(found.files)
        files = by_file(names, [found.counts[name] for name in found.files], split)
        full = dict(zip(names, found.files, strict=True))
        parts = [
            Shards.of([path for name in getattr(files, part) for path in found.parts[full[name]]]) for part in PARTS
        ]
    else:
        parts = list(cut(whole, split))
    templates = _templates(found, [part.normal() for part in parts[:2]])
    return of_shards(parts, templates, found.events, settings, files, len(whole), KEPT)


def _by_file(opened: Opened, quarantine: Quarantine, found: DaySessions) -> Iterator[tuple[str, pa.Table]]:
    """SESSIONS (without records and gaps) that have events, with the file that they stand in."""
    if opened.prepared:
        for path in sorted((opened.prepared / NOTES).glob(f"*-{EVENTS}")):
            found.lines.merge(EventLines.load(path))
    with Progress("reading", opened.size, "B") as bar:
        for unit in opened.units():
            for table in opened.sessions(unit, quarantine, bar.advance):
                if not opened.prepared:
                    found.lines.add(table)
                filled = pc.greater(pc.list_value_length(table["event_sequence"]), 0)
                kept = table.filter(filled)
                found.empty += table.num_rows - kept.num_rows
                for part in runs(kept, "source"):
                    name = part["source"][0].as_py()
                    sessions = sessions_of(part, found.events)
                    found.events += int(pc.sum(pc.list_value_length(sessions["template_ids"])).as_py())
                    yield name, sessions.select(KEPT)


def _flush(found: DaySessions, folder: Path, waiting: list[pa.Table]) -> None:
    """Write the sessions that wait, in order of their start; without one they keep their place."""
    table = pa.concat_tables(waiting).unify_dictionaries()
    waiting.clear()
    start = table["start"].combine_chunks()
    if start.null_count == 0:
        table = table.take(pa.array(np.argsort(start.cast(pa.int64()).to_numpy(), kind="stable")))
    path = folder / f"{len(found.paths):05}.parquet"
    pq.write_table(table, path, row_group_size=GROUP, **CODEC)
    found.paths.append(path)
    found.parts.setdefault(found.files[-1], []).append(path)


def _templates(found: DaySessions, known: list[Shards]) -> GivenTemplates:
    """Templates for the event ids of normal sessions before the cut."""
    counts = np.zeros(0, np.int64)
    ids = np.zeros(0, np.int64)
    for part in known:
        for piece in part.sequences():
            new, count = np.unique(piece.values, return_counts=True)
            every = np.concatenate([ids, new])
            ids, inverse = np.unique(every, return_inverse=True)
            counts = np.bincount(inverse, np.concatenate([counts, count])).astype(np.int64)
    return GivenTemplates.of_templates(ids, counts, found.lines.lines)
