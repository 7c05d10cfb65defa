"""Label files: CSV with session key and label (and kind of fault), joined with records by the key.

The key is in the first column; a header may name the columns of label and kind. Labels are 0/1, true/false, yes/no,
Normal/Anomaly, or ``-`` for normal and any other text for anomalous. Sessions that are not in the file have no label.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa

from logradar.core.errors import DataError, InputError
from logradar.core.quarantine import Quarantine
from logradar.sources.decoding.compression import pieces

_NORMAL: Final = "0 0.0 false f no n normal ok good benign success - none"
_ANOMALY: Final = (
    "1 1.0 true t yes y anomaly anomalous abnormal anomalies fail failure failed fault faulty error bad attack"
)
NORMAL: Final = frozenset(_NORMAL.split())
ANOMALY: Final = frozenset(_ANOMALY.split())
LABEL_NAMES: Final = ("label", "labels", "anomaly", "is_anomaly", "anomalous", "abnormal", "class", "status", "state")
KIND_NAMES: Final = ("fault", "kind", "fault_kind", "type", "fault_type", "anomaly_type", "reason", "cause")
EXAMPLES: Final = 3


@dataclass
class Labels:
    """The labels of a file: ``table`` has ``session_key`` and ``label``, ``kinds`` the kinds of fault by key."""

    path: Path
    table: pl.DataFrame
    kinds: dict[str, str]
    _matched: bool = field(default=False, init=False)
    _seen: list[str] = field(default_factory=list, init=False)

    @property
    def anomalies(self) -> int:
        """Number of keys that are labelled anomalous."""
        return int(self.table["label"].sum())

    def join(self, batch: pa.Table) -> pa.Table:
        """LOG_RECORDS with the label of their session; null if the key has none."""
        keys = pl.from_arrow(batch.column("session_key").combine_chunks())
        assert isinstance(keys, pl.Series)
        distinct = keys.drop_nulls().unique(maintain_order=True)  # few in a batch, so each is looked up once
        labels = pl.Series([self._truth.get(key) for key in distinct.to_list()], dtype=pl.Boolean)
        self._matched = self._matched or labels.null_count() < len(labels)
        if not self._matched and len(self._seen) < EXAMPLES:
            self._seen += distinct.head(EXAMPLES).to_list()
        label = keys.replace_strict(distinct, labels, default=None, return_dtype=pl.Boolean)
        index = batch.schema.get_field_index("label")
        return batch.set_column(index, batch.schema.field(index), label.to_arrow())

    @cached_property
    def _truth(self) -> dict[str, bool]:
        return dict(self.table.rows())

    @property
    def matched(self) -> bool:
        """Whether any record so far has had one of the keys."""
        return self._matched

    def unmatched(self) -> DataError:
        """The error to raise if no record has had any of the keys."""
        theirs = ", ".join(f"'{key}'" for key in self.table["session_key"].head(EXAMPLES).to_list())
        ours = ", ".join(f"'{key}'" for key in dict.fromkeys(self._seen[:EXAMPLES])) or "none"
        return DataError(
            f"The labels in '{self.path}' match no session of the input: its keys are like {theirs}, those of the "
            f"input like {ours}. Set the session key of the lines with --session-key REGEX."
        )


def read_labels(path: Path) -> Labels:
    """Read a label file: CSV, plain or compressed, with or without a header.

    Raises `InputError` when it cannot be read, `DataError` when a row has no valid label or a key has two
    different labels.
    """
    rows = _rows(path)
    cells = rows.drop("row")
    names = [str(name or "").strip().lower() for name in cells.row(0)]
    headed = _meaning(names[1]) is None or names[0].endswith(("key", "id", "session"))
    label, kind = 1, None
    if headed:
        label = next((names.index(name) for name in LABEL_NAMES if name in names[1:]), 1)
        kind = next((names.index(name) for name in KIND_NAMES if name in names[1:] and name != names[label]), None)
    elif len(names) > 2:
        kind = 2  # key, label, fault
    fault = cells.to_series(kind) if kind else pl.repeat(None, len(rows), dtype=pl.String, eager=True)
    columns = {"session_key": cells.to_series(0), "kind": fault, "text": cells.to_series(label), "row": rows["row"]}
    table = pl.DataFrame(columns).slice(int(headed)).with_columns(pl.col("session_key", "kind").str.strip_chars())
    known = {text: _meaning(text or "") for text in table["text"].unique().to_list()}
    if "-" in known:  # as in BGL: a dash for normal lines, the name of an alert for others
        known = {text: truth is not False if text else None for text, truth in known.items()}
    table = table.with_columns(
        label=table["text"].replace_strict(list(known), list(known.values()), return_dtype=pl.Boolean)
    )
    _check(table, path)
    faults = table.filter(pl.col("label") & (pl.col("kind").fill_null("") != "")).unique("session_key", keep="first")
    return Labels(
        path,
        table.select("session_key", "label").unique("session_key", keep="first", maintain_order=True),
        dict(faults.select("session_key", "kind").rows()),
    )


def _check(table: pl.DataFrame, path: Path) -> None:
    for row, key, text in table.filter(pl.col("label").is_null()).select("row", "session_key", "text").head(1).rows():
        raise DataError(
            f"Row {row} of '{path}' labels '{key}' as '{str(text or '')[:60]}'; labels are 0/1, true/false or "
            "Normal/Anomaly after a session key."
        )
    both = table.filter(pl.col("label").n_unique().over("session_key") > 1)
    for key, row in both.select("session_key", "row").tail(1).rows():
        raise DataError(f"'{path}' labels '{key}' both normal and anomalous (row {row}); give each session one label.")
    if not len(table):
        raise DataError(f"The label file '{path}' contains no labels; it needs rows like 'blk_42,Anomaly'.")


def _rows(path: Path) -> pl.DataFrame:
    """The cells as text in columns "1", "2", … and the 1-based number in "row"; blank rows are left out."""
    bad = Quarantine()
    try:
        data = b"".join(pieces(path, path.name, bad, lambda count: None))
    except FileNotFoundError:
        raise InputError(f"The label file '{path}' does not exist.") from None
    except OSError as error:
        raise InputError(f"The label file '{path}' cannot be read: {error.strerror}.") from None
    if bad.count:
        raise InputError(f"The label file '{path}' cannot be read: {next(iter(bad.reasons))}.")
    text = data.decode("utf-8-sig", "replace").replace("\r\n", "\n")
    mark = max(",;\t", key=text.partition("\n")[0].count)
    try:
        rows = pl.read_csv(
            text.encode(), has_header=False, infer_schema=False, separator=mark, truncate_ragged_lines=True
        )
    except pl.exceptions.NoDataError:
        rows = pl.DataFrame()
    except pl.exceptions.ComputeError as error:
        raise InputError(f"The label file '{path}' is not CSV ({str(error).splitlines()[0]}).") from None
    if rows.width < 2:
        raise DataError(f"The label file '{path}' needs two columns, session key and label, as in 'blk_42,Anomaly'.")
    rows = rows.rename({name: str(number) for number, name in enumerate(rows.columns, 1)}).with_row_index("row", 1)
    return rows.filter(~pl.all_horizontal(pl.exclude("row").fill_null("").str.strip_chars() == ""))


def _meaning(value: str) -> bool | None:
    plain = value.strip().strip("\x22'").lower()
    if plain in NORMAL:
        return False
    return True if plain in ANOMALY else None
