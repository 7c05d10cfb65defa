"""Apache IoTDB by node, divided into windows of lines: the six faults of MultiLog."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import polars as pl
import pyarrow as pa

from logradar.core.quarantine import Quarantine
from logradar.core.tables import LOG_RECORDS
from logradar.sources.base import Dataset, Hints
from logradar.sources.datasets.lines import numbered_from
from logradar.sources.lines import Lines
from logradar.sources.opening.files import stem
from logradar.sources.opening.reading import Block

FAULTS: Final = ("compaction", "cpu", "import", "memory", "network2", "shutdown_leader")
WINDOW: Final = 100
TIME: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2},[0-9]{3} \["


class Iotdb(Lines):
    """Raw lines of Apache IoTDB by node, in windows of 100 lines (or ``input.window``).

    A line that begins with ``- `` is normal. A line that begins with its date was logged during an injected fault, and
    a window with such a line is anomalous. The fault is the name of the folder, the service is the node. No window
    contains lines of two files. Zhang et al., MultiLog, KDD 2024.
    """

    discovers_key: ClassVar[bool] = False

    looks_ordinary: ClassVar[bool] = True

    @classmethod
    def recognises(cls, path: Path, head: Sequence[str]) -> float:
        """Always 0: the source ``lines`` reads such a log. This one is used for its data set or with ``--source``."""
        return 0.0

    @classmethod
    def dataset(cls, data_dir: Path) -> Dataset | None:
        """Six runs of six nodes. Training: the earlier half of the normal windows. Evaluation: all others."""
        folder = data_dir / "iotdb_multilog"
        files = [folder / fault / f"node{node}.log.xz" for fault in FAULTS for node in range(1, 7)]
        return Dataset(files, test=0.5, hold_anomalies=True) if folder.is_dir() else None

    def blocks(self, file: Path, hints: Hints, quarantine: Quarantine) -> Iterator[Block]:
        """The lines without the marks at their beginning, which are stored by line number."""
        self._marks = np.zeros(0, bool)
        for block in super().blocks(file, hints, quarantine):
            anomalous = block.lines.str.contains(f"^{TIME}").to_numpy()
            self._marks = np.concatenate([self._marks, anomalous])
            yield replace(block, lines=block.lines.str.strip_prefix("- "))

    def read(self, files: Sequence[Path], hints: Hints, quarantine: Quarantine) -> Iterator[pa.Table]:
        """LOG_RECORDS with labels. The session key is the window, unless another one is set."""
        record_id = 0
        for file in files:
            run, node, done = file.parent.name, stem(file), 0
            for table in super().read([file], replace(hints, services={file: node}), quarantine):
                label = self._marks[table["line"].to_numpy() - 1]
                if not hints.session_key:
                    window = np.arange(done, done + table.num_rows) // (hints.window or WINDOW)
                    name = pl.format("{}/{}[{}]", pl.lit(run), pl.lit(node), pl.Series(window))
                    keys = pl.select(name).to_series()
                    table = _with(table, "session_key", keys.to_arrow())
                    if run in FAULTS:
                        hints.on_fault_kinds(dict.fromkeys(keys.filter(pl.Series(label)).unique().to_list(), run))
                done += table.num_rows
                yield numbered_from(_with(table, "label", pa.array(label)), record_id)
                record_id += table.num_rows


def _with(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    field = LOG_RECORDS.field(name)
    return table.set_column(LOG_RECORDS.get_field_index(name), field, column.cast(field.type))
