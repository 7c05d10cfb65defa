"""Any log file: plain text with any known header, JSON lines, Docker and Kubernetes logs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pyarrow as pa

from logradar.core.quarantine import Quarantine
from logradar.core.tables import LOG_RECORDS, conform
from logradar.sources.base import Hints, Source
from logradar.sources.opening.dating import dated, modified
from logradar.sources.opening.documents import read_lines_or_events, sample_lines_or_events, shape_of_file
from logradar.sources.opening.formats import SEEN, Format
from logradar.sources.opening.json_lines import LOOKS_LIKE
from logradar.sources.opening.reading import Block
from logradar.sources.opening.records import Records
from logradar.sources.opening.session_keys import extract


class Lines(Source):
    """Any log file, line by line; the format is detected from its first lines.

    >>> Path("app.log").write_text("2024-05-01 12:00:00,000 INFO shop.cart - item 7 added\\n")
    54
    >>> (table,) = Lines().read([Path("app.log")], Hints(), Quarantine())
    >>> table["component"].to_pylist(), table["body"].to_pylist()
    (['shop.cart'], ['item 7 added'])
    """

    discovers_key: ClassVar[bool] = True

    @classmethod
    def recognises(cls, path: Path, head: Sequence[str]) -> float:
        """0.1 for any text, except for a JSON document over several lines that holds no events, which is not a log."""
        lines = [line for line in head if line.strip()]
        if not lines or (
            lines[0].lstrip()[0] in "{["
            and path.suffix == ".json"
            and not any(re.match(LOOKS_LIKE, line) for line in lines)  # the first line may be cut
        ):
            try:
                return 0.1 if shape_of_file(path) else 0.0
            except OSError:
                return 0.0
        return 0.1

    def format_of(self, file: Path, hints: Hints) -> Format:
        """The format of a file: the one in ``hints``, else what its first lines have; with how dates are read."""
        sample = sample_lines_or_events(file, SEEN)
        form = Format.named(hints.format, sample) if hints.format else Format.detect(sample)
        rest = read_lines_or_events(file, file.name, Quarantine(), hints.limits)
        return dated(form, sample, modified(file), hints.date_order, rest)[0]

    def blocks(self, file: Path, hints: Hints, quarantine: Quarantine) -> Iterator[Block]:
        """The lines of a file, or the events of one that is a JSON document."""
        return read_lines_or_events(file, hints.name(file), quarantine, hints.limits, hints.on_progress)

    def read(self, files: Sequence[Path], hints: Hints, quarantine: Quarantine) -> Iterator[pa.Table]:
        """LOG_RECORDS in batches of at most one block of lines; a record begins at each line with a header."""
        record_id = 0
        for file in files:
            name = hints.name(file)
            try:
                records = Records(self.format_of(file, hints), name, quarantine, hints.limits, modified(file))
                for frame in records.of(self.blocks(file, hints, quarantine)):
                    yield self.table(frame, record_id, name, hints.session_key, hints.services.get(file))
                    record_id += len(frame)
            except OSError as error:  # the disk failed or the file was removed: other files can still be read
                quarantine.add(name, "file that cannot be read to its end", text=str(error))

    def table(
        self, frame: pl.DataFrame, record_id: int, name: str, session_key: str | None, service: str | None
    ) -> pa.Table:
        """LOG_RECORDS of a frame of `logradar.sources.opening.records.Records`, numbered from ``record_id``."""
        count = len(frame)
        one_file = pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), pa.array([name]))
        columns = {
            "record_id": pa.array(np.arange(record_id, record_id + count)),
            "timestamp": frame["timestamp"].to_arrow(),
            "source": one_file,
            "line": frame["line"].to_arrow(),
            "service": _names(frame["service"].fill_null(service) if service else frame["service"]),
            "level": frame["level"].to_arrow(),
            "component": _names(frame["component"]),
            "body": frame["body"].to_arrow(),
        }
        if session_key:
            keys = extract(frame["text"], frame["body"], session_key)
            bare = keys.is_null() & frame["owner"].is_not_null()
            if bare.any():  # a line without a header belongs to the record before it
                owners = frame["owner"].set(~bare, None)
                keys = keys.fill_null(extract(owners, owners, session_key))
            columns["session_key"] = keys.to_arrow()
        if frame["alert"].null_count() < count:
            columns["label"] = (frame["alert"] != "-").to_arrow()
        return conform(pa.table(columns), LOG_RECORDS)


def _names(column: pl.Series) -> pa.Array[Any]:
    return column.cast(pl.Categorical).to_arrow().cast(pa.dictionary(pa.int32(), pa.string()))
