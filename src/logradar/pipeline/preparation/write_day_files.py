"""Write day files: any input as RADAR day files, one JSON file per day."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from logradar.core.csv_cells import harmless
from logradar.core.errors import InputError
from logradar.core.outputs import require_outside
from logradar.core.progress import Progress, say
from logradar.core.quarantine import Quarantine
from logradar.core.sequences import Sequences
from logradar.core.session_set import SessionSet
from logradar.core.tables import ERROR, LEVELS, WARN, conform
from logradar.model.settings import RunSettings
from logradar.parsing.templates import TemplateMiner
from logradar.pipeline.preparation.file_lists import require_files
from logradar.sources.opening.opening import Opened
from logradar.sources.radar.dated import runs
from logradar.sources.radar.table import DAY_SESSIONS
from logradar.sources.radar.write import DayWriter
from logradar.storage.filling import fill, learn_templates
from logradar.storage.grouping import group
from logradar.storage.records import Corpus, collect, opening
from logradar.storage.shards_writer import QUARANTINE

PADDED: Final = 512  # token_ids per session, as RADAR's models need them
BATCH: Final = 5_000  # sessions whose lines are read at once
UNFINISHED: Final = ".unfinished"  # a file that is in the folder until everything is written
LABELS: Final = "labels.csv"
NAMES: Final = {  # SeverityNumbers of OpenTelemetry
    number: name for name, first in LEVELS.items() for number in range(first, first + 4)
}


def write_days(spec: str, folder: Path, settings: RunSettings) -> dict[str, Any]:
    """Write INPUT ``spec`` as day files to ``folder`` and return figures.

    Day files (and folders prepared from them) are copied without their damaged sessions.
    A session of another log goes to the file of the day on which it began, with its template ids as event
    ids and with its lines; ``templates.parquet`` has the templates of these ids, ``labels.csv`` the labels
    if there are any, and ``session_ids.csv`` the session id of every number.
    """
    began = time.monotonic()
    require_files(settings.split, files=False)
    require_outside(folder)
    _remove_unfinished(folder)
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"'{folder}' is not empty; choose a new folder for the day files.")
    with opening(spec, settings.input, outputs=[folder]) as (opened, home):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / UNFINISHED).touch()
        with ExitStack() as stack:
            days = _Days(folder, stack)
            if opened.has_sessions and settings.events == "given":
                _copy(opened, days, home)
            else:
                _convert(collect(opened, home), days, settings, home)
        if (home / QUARANTINE).is_file():
            (folder / QUARANTINE).write_bytes((home / QUARANTINE).read_bytes())
    (folder / UNFINISHED).unlink()
    return {
        "files": len(days.paths),
        "sessions": days.sessions,
        "bytes": sum(path.stat().st_size for path in days.paths),
        "seconds": round(time.monotonic() - began, 2),
    }


def _remove_unfinished(folder: Path) -> None:
    """Remove the files of an interrupted run: it is not known which of them are complete."""
    if not (folder / UNFINISHED).is_file():
        return
    say(f"An earlier run into '{folder}' was interrupted; its files are written again.")
    for pattern in ("preprocessed_logs_*.json", "templates.parquet", "session_ids.csv", LABELS, QUARANTINE, UNFINISHED):
        for path in folder.glob(pattern):
            path.unlink()


class _Days:
    """The day files of a folder; the current one stays open until another one is written to."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self.sessions = folder, 0
        self.paths: list[Path] = []
        self._writer: DayWriter | None = None
        self._stack = stack
        self._key: tuple[str, str] | None = None

    def write(self, day: str, source: str, table: pa.Table, length: int | None = None) -> None:
        """Append DAY_SESSIONS to the file of a day; each ``source`` has a file of its own for the same day."""
        if (day, source) != self._key:
            self._stack.close()
            path = self.folder / f"preprocessed_logs_{day}.json"
            again = 1
            while path in self.paths:
                again += 1
                path = self.folder / f"preprocessed_logs_{day}-{again}.json"
            self._writer = self._stack.enter_context(DayWriter(path, length=length))
            self.paths.append(path)
            self._key = (day, source)
        assert self._writer is not None
        self._writer.write(table)
        self.sessions += table.num_rows


def _copy(opened: Opened, days: _Days, home: Path) -> None:
    quarantine = Quarantine(home / "units.jsonl")
    with Progress("writing days", opened.size, "B") as bar:
        for unit in opened.units():
            for table in opened.sessions(unit, quarantine, bar.advance):
                for part in runs(table, "source"):
                    day = part["session_key"][0].as_py().rpartition("/")[0].removeprefix("preprocessed_logs_")
                    days.write(day, part["source"][0].as_py(), part.select(DAY_SESSIONS.names))
    for cases in (opened.quarantine, quarantine):
        if cases.count:
            say(cases.sentence().partition(" They are kept")[0])
    if quarantine.path and quarantine.path.is_file():
        with (home / QUARANTINE).open("ab") as file:
            file.write(quarantine.path.read_bytes())


def _convert(corpus: Corpus, days: _Days, settings: RunSettings, home: Path) -> None:
    grouped = group(corpus, settings.sessions, home)
    miner = TemplateMiner(settings.parsing)
    learn_templates(corpus, miner, [grouped], home)
    filled = fill(corpus, miner, grouped, home)
    pq.write_table(miner.templates(), days.folder / "templates.parquet")
    labelled = any(table["label"].null_count < len(table) for table in filled.tables(["label"]))
    with ExitStack() as stack, Progress("writing days", len(filled), "sessions") as bar:
        names = csv.writer(stack.enter_context((days.folder / "session_ids.csv").open("w", newline="")))
        names.writerow(("day", "session_id", "session"))
        labels = csv.writer(stack.enter_context((days.folder / LABELS).open("w", newline=""))) if labelled else None
        if labels:
            labels.writerow(("session_key", "label"))
        day, number = "", 0
        for part in _by_day(filled):
            if part["day"][0].as_py() != day:
                day, number = part["day"][0].as_py(), 0
            ids = np.arange(number + 1, number + 1 + len(part))
            number += len(part)
            days.write(day, "", _day_sessions(corpus, part, ids))
            for key, session, label in zip(
                ids.tolist(), part["session_id"].to_pylist(), part["label"].to_pylist(), strict=True
            ):
                names.writerow((day, key, harmless(session)))
                if labels and label is not None:
                    labels.writerow((f"{day}/{key}", int(label)))
            bar.advance(len(part))


def _by_day(sessions: SessionSet) -> Iterator[pa.Table]:
    """SESSIONS with their ``day``, at most `BATCH` of one day at a time; those without a time come last."""
    for dated in (True, False):
        for table in sessions.tables():
            chosen = table.filter(pc.equal(table["start"].is_valid(), dated))
            day = pc.fill_null(pc.strftime(chosen["start"], "%Y-%m-%d"), "undated")
            for run in runs(chosen.append_column("day", day.combine_chunks().dictionary_encode()), "day"):
                for begin in range(0, len(run), BATCH):
                    yield run.slice(begin, BATCH)


def _day_sessions(corpus: Corpus, sessions: pa.Table, ids: np.ndarray) -> pa.Table:
    """DAY_SESSIONS of SESSIONS, with the lines and levels of their records."""
    records = Sequences.from_arrow(sessions["record_ids"])
    wanted = np.unique(records.values)
    lines = corpus.lines(wanted.tolist()).sort_by("record_id")
    place = pa.array(np.searchsorted(lines["record_id"].to_numpy(), records.values))
    levels = lines["level"].fill_null(0).take(place).to_numpy()
    offsets = pa.array(records.offsets.astype(np.int32))
    columns = {
        "session_id": pa.array(ids),
        "service": sessions["service"],
        "event_sequence": sessions["template_ids"],
        "has_error": pa.array(records.maxima(levels >= ERROR) > 0),
        "has_warn": pa.array(records.maxima((levels >= WARN) & (levels < ERROR)) > 0),
        "original_logs": pa.ListArray.from_arrays(offsets, _texts(lines).take(place)),
        "offset": pa.array(np.zeros(len(ids), np.int64)),
        "tokens_length": pa.array(np.full(len(ids), PADDED, np.int32)),
    }
    return conform(pa.table(columns), DAY_SESSIONS)


def _texts(records: pa.Table) -> pa.Array:
    """LOG_RECORDS as lines: time and level, where they are known, then the body."""
    frame = pl.DataFrame(pl.from_arrow(records.select(["timestamp", "level", "body"])))
    time_ = pl.col("timestamp").dt.strftime("%Y-%m-%d %H:%M:%S%.6fZ ").fill_null("")
    level = pl.col("level").replace_strict(NAMES, default="", return_dtype=pl.String).fill_null("")
    level = pl.when(level == "").then(level).otherwise(level + " ")
    return frame.select(text=time_ + level + pl.col("body"))["text"].to_arrow().cast(pa.large_string())
