"""Label files: CSV with session key and label (and kind of fault), joined with records by the key.

The key is in the first column; a header may name the columns of label and kind. Labels are 0/1, true/false, yes/no,
Normal/Anomaly, or ``-`` for normal and any other text for anomalous. Sessions that are not in the file have no label.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from logradar.core.errors import ConfigError, DataError
from logradar.core.filenames import readable
from logradar.core.memory import give_back
from logradar.sources.opening.label_rows import label_rows
from logradar.sources.opening.labelled_keys import Hashes, LabelledKeys, contradictory, hashed

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
    """The labels of a file: ``keys`` with their labels, ``kinds`` of fault by key, and some keys as ``examples``."""

    path: Path
    keys: LabelledKeys
    kinds: dict[str, str]
    examples: Sequence[str | None] = ()
    _matched: bool = field(default=False, init=False)
    _seen: list[str] = field(default_factory=list, init=False)

    @property
    def anomalies(self) -> int:
        """Number of keys that are labelled anomalous."""
        return int(self.keys.anomalous.sum())

    def join(self, batch: pa.Table) -> pa.Table:
        """LOG_RECORDS with the label of their session; null if the key has none."""
        keys = pl.from_arrow(batch.column("session_key").combine_chunks())
        assert isinstance(keys, pl.Series)
        distinct = keys.drop_nulls().unique(maintain_order=True)  # few in a batch, so each is looked up once
        labels = self.keys.labels(distinct)
        self._matched = self._matched or labels.null_count() < len(labels)
        if not self._matched and len(self._seen) < EXAMPLES:
            self._seen += distinct.head(EXAMPLES).to_list()
        label = keys.replace_strict(distinct, labels, default=None, return_dtype=pl.Boolean)
        index = batch.schema.get_field_index("label")
        return batch.set_column(index, batch.schema.field(index), label.to_arrow())

    @property
    def matched(self) -> bool:
        """Whether any record so far has had one of the keys."""
        return self._matched

    def unmatched(self) -> DataError:
        """The error to raise if no record has had any of the keys."""
        theirs = ", ".join(f"'{key}'" for key in self.examples)
        ours = ", ".join(f"'{key}'" for key in dict.fromkeys(self._seen[:EXAMPLES])) or "none"
        return DataError(
            f"The labels in '{self.path}' match no session of the input: its keys are like {theirs}, those of the "
            f"input like {ours}. Set the session key of the lines with --session-key REGEX."
        )


def labels_for(given: Path | None, beside: Path | None, use: bool = True) -> tuple[Labels | None, str]:
    """The labels of an input, and a sentence about them where nobody asked for them ('' else).

    ``given`` is the label file that was asked for, ``beside`` the one that was found beside the logs, which is not read
    where ``use`` is false. Raises `ConfigError` where labels are both given and refused.
    """
    if given and not use:
        raise ConfigError(f"--labels {given} gives labels and --no-labels ignores them; choose one of both.")
    if given or not beside or not use:
        return (read_labels(given) if given else None), ""
    return read_labels(beside), f"Labels of '{readable(str(beside))}' are used; --no-labels ignores them."


def unlabelled(table: pa.Table) -> pa.Table:
    """The same table with an empty label in each row."""
    index = table.schema.get_field_index("label")
    return table.set_column(index, table.schema.field(index), pa.nulls(table.num_rows, pa.bool_()))


def read_labels(path: Path) -> Labels:
    """Read a label file: CSV, plain or compressed, with or without a header.

    Of each row only the hash of its key and a number for the text of its label are kept, so that memory hardly grows
    with the file. Raises `InputError` when it cannot be read, `DataError` when a row has no valid label or a key has
    two different labels.
    """
    texts: dict[str, int] = {}  # each text that stands for a label, and its number
    hashes, numbers = [np.empty(0, np.uint64)], [np.empty(0, np.int32)]
    faults: list[pl.DataFrame] = []
    examples: dict[str | None, None] = {}
    for rows in _rows(path):
        for text in rows["text"].unique().to_list():
            texts.setdefault(text, len(texts))
        number = rows["text"].replace_strict(list(texts), list(texts.values()), return_dtype=pl.Int32)
        hashes.append(hashed(rows["session_key"]))
        numbers.append(number.to_numpy())
        kinds = rows.with_columns(number=number).filter(pl.col("kind").fill_null("") != "")
        normal = [text for text in texts if _meaning(text) is False]  # such rows name no fault, whatever comes later
        faults.append(kinds.filter(~pl.col("text").is_in(normal)).select("session_key", "kind", "number"))
        if len(examples) < EXAMPLES:
            examples |= dict.fromkeys(rows["session_key"].unique(maintain_order=True).head(EXAMPLES).to_list())
    found, number_of = np.concatenate(hashes), np.concatenate(numbers)
    del hashes, numbers
    truths = _truths(texts)
    anomalous = _checked(path, found, truths[number_of] if len(truths) else np.empty(0, np.int8))
    named: dict[str, str] = {}
    for part in faults:
        for key, kind, one in part.rows():
            if truths[one] == 1:
                named.setdefault(key, sys.intern(kind))
    keys = LabelledKeys.first(found, anomalous)
    del found, number_of, anomalous, faults
    give_back()
    return Labels(path, keys, named, tuple(examples)[:EXAMPLES])


def _rows(path: Path) -> Iterator[pl.DataFrame]:
    """``session_key``, ``kind`` and ``text`` of the label of all rows but the header, with their number ``row``."""
    label, kind, headed = 1, None, None
    for rows in label_rows(path):
        cells = rows.drop("row")
        first = headed is None
        if first:
            names = [str(name or "").strip().lower() for name in cells.row(0)]
            headed = _meaning(names[1]) is None or names[0].endswith(("key", "id", "session"))
            if headed:
                label = next((names.index(name) for name in LABEL_NAMES if name in names[1:]), 1)
                kind = next(
                    (names.index(name) for name in KIND_NAMES if name in names[1:] and name != names[label]), None
                )
            elif len(names) > 2:
                kind = 2  # key, label, fault
        fault = cells.to_series(kind) if kind else pl.repeat(None, len(rows), dtype=pl.String, eager=True)
        text = cells.to_series(label).fill_null("")
        columns = {"session_key": cells.to_series(0), "kind": fault, "text": text, "row": rows["row"]}
        table = pl.DataFrame(columns).slice(int(first and bool(headed)))
        yield table.with_columns(pl.col("session_key", "kind").str.strip_chars())


def _truths(texts: Iterable[str]) -> npt.NDArray[np.int8]:
    """For each text 0 (normal), 1 (anomalous) or -1 (no label)."""
    known = {text: _meaning(text) for text in texts}
    if "-" in known:  # as in BGL: a dash for normal lines, the name of an alert for others
        known = {text: truth is not False if text else None for text, truth in known.items()}
    return np.array([-1 if truth is None else int(truth) for truth in known.values()], np.int8)


def _checked(path: Path, hashes: Hashes, truth: npt.NDArray[np.int8]) -> npt.NDArray[np.bool_]:
    """Whether each row is anomalous; `DataError` for a row without a label, two labels of one key, or no row."""
    if (truth < 0).any():
        key, row, text = _row(path, int(np.argmax(truth < 0)))
        raise DataError(
            f"Row {row} of '{path}' labels '{key}' as '{text[:60]}'; labels are 0/1, true/false or "
            "Normal/Anomaly after a session key."
        )
    anomalous: npt.NDArray[np.bool_] = truth == 1
    both = contradictory(hashes, anomalous)
    if len(both):
        key, row, _ = _row(path, int(np.flatnonzero(np.isin(hashes, both))[-1]))
        raise DataError(f"'{path}' labels '{key}' both normal and anomalous (row {row}); give each session one label.")
    if not len(hashes):
        raise DataError(f"The label file '{path}' contains no labels; it needs rows like 'blk_42,Anomaly'.")
    return anomalous


def _row(path: Path, place: int) -> tuple[str | None, int, str]:
    """Key, number and label text of a row, read again: only errors need its texts."""
    for rows in _rows(path):
        if place < len(rows):
            key, row, text = rows.select("session_key", "row", "text").row(place)
            return key, row, text
        place -= len(rows)
    raise DataError(f"The label file '{path}' changed while it was read; try again.")


def _meaning(value: str) -> bool | None:
    plain = value.strip().strip("\x22'").lower()
    if plain in NORMAL:
        return False
    return True if plain in ANOMALY else None
