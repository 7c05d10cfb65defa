"""Raw log lines whose labels are in other files of the data set, by session key."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl
import pyarrow as pa

from logradar.core.errors import InputError
from logradar.core.quarantine import Quarantine
from logradar.core.tables import LOG_RECORDS
from logradar.sources.base import Hints
from logradar.sources.lines import Lines
from logradar.sources.opening.labelled_keys import LabelledKeys
from logradar.sources.opening.labels import EXAMPLES, Labels


class LabelledLines(Lines):
    """Log lines as `Lines` reads them, with the labels that the data set gives to their sessions."""

    discovers_key: ClassVar[bool] = False
    looks_ordinary: ClassVar[bool] = True

    @classmethod
    def recognises(cls, path: Path, head: Sequence[str]) -> float:
        """Always 0: the source ``lines`` reads such a log. This one is used for its data set or with ``--source``."""
        return 0.0

    @abstractmethod
    def labels(self, file: Path, quarantine: Quarantine) -> Labels | None:
        """The labels of the sessions of a file; None if there are none."""

    def read(self, files: Sequence[Path], hints: Hints, quarantine: Quarantine) -> Iterator[pa.Table]:
        """LOG_RECORDS with labels; ``hints.on_fault_kinds`` is called with the kinds of fault."""
        record_id = 0
        for file in files:
            try:
                labels = self.labels(file, quarantine)
            except OSError as error:
                raise InputError(f"The labels of '{file}' cannot be read: {error.strerror}.") from None
            if labels:
                hints.on_fault_kinds(labels.kinds)
            for table in super().read([file], hints, quarantine):
                numbered = numbered_from(self.in_sessions(table, hints, quarantine), record_id)
                record_id += numbered.num_rows
                yield labels.join(numbered) if labels else numbered

    def in_sessions(self, table: pa.Table, hints: Hints, quarantine: Quarantine) -> pa.Table:
        """The records that belong to sessions; all of them unless a subclass selects some."""
        return table


def numbered_from(table: pa.Table, first: int) -> pa.Table:
    """LOG_RECORDS with record ids from ``first`` on."""
    ids = pa.array(np.arange(first, first + table.num_rows))
    return table.set_column(0, LOG_RECORDS.field("record_id"), ids)


def labels_of(file: Path, truth: dict[str, bool], kinds: dict[str, str] | None = None) -> Labels | None:
    """Labels and kinds of fault by session key; None if there is no label."""
    if not truth:
        return None
    keys = LabelledKeys.of(pl.Series(list(truth), dtype=pl.String), np.array(list(truth.values()), bool))
    anomalous = {key: kind for key, kind in (kinds or {}).items() if truth.get(key)}
    return Labels(file, keys, anomalous, tuple(truth)[:EXAMPLES])
