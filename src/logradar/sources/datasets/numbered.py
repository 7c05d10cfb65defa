"""Base class of the sources for sessions that are published as event numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

import polars as pl
import pyarrow as pa

from logradar.core.quarantine import Quarantine
from logradar.sources.base import Hints, SessionSource
from logradar.sources.datasets.tables import dated, records
from logradar.sources.datasets.texts import by_id, by_line
from logradar.sources.opening.files import stem
from logradar.sources.opening.reading import Block, read_blocks

AT_ONCE: Final = 5_000  # sessions in a table
NUMBER: Final = "[0-9]{1,9}"
EVENTS: Final = rf"(?P<events>{NUMBER}(?: {NUMBER})*)?"
KEY: Final = r"(?P<key>[^,\s]{1,200})"


class EventNumberSource(SessionSource):
    """Reads files with one session per line.

    ``line`` is the regex of a line, with the group ``events`` and optionally ``key`` and ``label``. The key of a line
    without one is the stem of its file and its number (``hdfs_train-17``). If lines have no label, it is taken from
    the name of the file: anomalous for ``…abnormal…``, normal for ``…normal…`` or ``…train…``.
    """

    line: ClassVar[str]
    header: ClassVar[str | None] = None  # the first line of a file, if it is not a session
    normal: ClassVar[Sequence[str]] = ("Normal", "0")  # labels of normal sessions
    anomalous: ClassVar[Sequence[str]] = ("Anomaly", "1")  # labels of anomalous sessions
    kinds: ClassVar[bool] = False  # whether the label of an anomaly is its kind of fault
    templates: ClassVar[str | None] = None  # name of the file of templates: CSV by event number, or .txt by line

    def texts(self, file: Path) -> Mapping[int, str]:
        """The templates of the event numbers of a file, as far as they are known."""
        if self.templates is None:
            return {}
        path = file.parent / self.templates
        return by_line(path) if path.suffix == ".txt" else by_id(path)

    def faults(self, file: Path, keys: pl.Series, quarantine: Quarantine) -> pl.Series:
        """The kind of fault of the sessions with these keys; null if it is not known."""
        return pl.repeat(None, len(keys), dtype=pl.String, eager=True)

    @classmethod
    def recognises(cls, path: Path, head: Sequence[str]) -> float:
        """0.92 if at least 90 % of the lines match ``line`` and the file begins with ``header``, if there is one."""
        lines = [line for line in head if line.strip()]
        if cls.header is not None:
            if not lines or lines[0].strip() != cls.header:
                return 0.0
            lines = lines[1:]
        matching = sum(re.fullmatch(cls.line, line.strip()) is not None for line in lines[:100])
        return 0.92 if lines and matching >= 0.9 * len(lines[:100]) else 0.0

    def sessions(self, files: Sequence[Path], hints: Hints, quarantine: Quarantine) -> Iterator[pa.Table]:
        """DATED_SESSIONS without times, in the order of the lines; lines that do not match are quarantined."""
        for file in files:
            name, texts, number = hints.name(file), self.texts(file), 0
            try:
                for rows in self._frames(file, name, hints, quarantine):
                    for part in rows.iter_slices(AT_ONCE):
                        kinds = part.filter(pl.col("label") & pl.col("fault").is_not_null())
                        hints.on_fault_kinds(dict(kinds.select("key", "fault").iter_rows()))
                        yield dated(part, name, number, texts)
                        number += len(part)
            except OSError as error:
                quarantine.add(name, "file that cannot be read to its end", text=str(error))

    def read(self, files: Sequence[Path], hints: Hints, quarantine: Quarantine) -> Iterator[pa.Table]:
        """LOG_RECORDS: the body of an event is its template, or ``E<number>``; ``line`` is the line of its session."""
        record_id = 0
        for table in self.sessions(files, hints, quarantine):
            whole = records(table, record_id)
            record_id += whole.num_rows
            for start in range(0, whole.num_rows, hints.limits.rows):
                yield whole.slice(start, hints.limits.rows)

    def _frames(self, file: Path, name: str, hints: Hints, quarantine: Quarantine) -> Iterator[pl.DataFrame]:
        """Frames of ``key``, ``events``, ``label`` and ``fault`` of each session, one for each block of the file."""
        for block in read_blocks(file, name, quarantine, hints.limits, hints.on_progress):
            yield self._frame(file, _rows(block, self.header), name, quarantine)

    def _frame(self, file: Path, rows: pl.DataFrame, name: str, quarantine: Quarantine) -> pl.DataFrame:
        text = rows["text"].str.strip_chars()
        groups = text.str.extract_groups(f"^{self.line}$").struct.unnest()
        fits = text.str.contains(f"^{self.line}$")
        if "label" in groups.columns:
            fits &= groups["label"].is_in([*self.normal, *self.anomalous]).fill_null(False)
        if not fits.all():
            bad = rows.filter(~fits).select("line", "text")
            quarantine.add_lines(name, "line that is not a session of event numbers with a label", bad.rows())
            rows, groups = rows.filter(fits), groups.filter(fits)
        bare = pl.format("{}-{}", pl.lit(stem(file).removesuffix(".csv")), "line")
        frame = pl.DataFrame(
            {
                "key": groups["key"] if "key" in groups.columns else rows.select(bare).to_series(),
                "events": groups["events"].fill_null("").str.extract_all(NUMBER).cast(pl.List(pl.Int32)),
            }
        )
        if "label" not in groups.columns:
            label = pl.repeat(label_of(file), len(frame), dtype=pl.Boolean, eager=True)
            return frame.with_columns(label=label, fault=self.faults(file, frame["key"], quarantine))
        kinds = groups["label"] if self.kinds else self.faults(file, frame["key"], quarantine)
        return frame.with_columns(label=~groups["label"].is_in(list(self.normal)), fault=kinds)


def label_of(file: Path) -> bool | None:
    """The label that the name of a file states: True for anomalous, None if it states none."""
    name = file.name.lower()
    if "abnormal" in name or "anomal" in name:
        return True
    return False if "normal" in name or "train" in name else None


def _rows(block: Block, header: str | None) -> pl.DataFrame:
    rows = block.frame
    if header is not None and block.first == 1:
        rows = rows.filter((pl.col("line") > 1) | (pl.col("text").str.strip_chars() != header))
    return rows.filter(pl.col("text").str.strip_chars() != "")
