"""OpenStack's nova as raw lines, by instance: the logs of Kalaki et al. and of Utah."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Final

import polars as pl
import pyarrow as pa

from logradar.core.quarantine import Quarantine
from logradar.sources.base import Dataset, Hints
from logradar.sources.datasets.lines import LabelledLines, labels_of
from logradar.sources.opening.labels import Labels
from logradar.sources.opening.reading import read_blocks
from logradar.sources.opening.session_keys import UUID
from logradar.sources.openstack import FILES, kinds_of

KEY: Final = rf"\[instance: ({UUID})\]"
LOG: Final = "openstack-nova-sample.log.xz"


class OpenstackLines(LabelledLines):
    """Raw lines of OpenStack's nova, by instance; labels by the lists of instances beside them.

    Lines that name no instance are left out and counted, as their sequences leave them out. Kalaki et al.,
    Software: Practice and Experience 53(3), 2023.
    """

    session_key: ClassVar[str | None] = KEY

    @classmethod
    def dataset(cls, data_dir: Path) -> Dataset | None:
        """The mixed log: the earlier half of the normal instances trains, all others are measured on.

        The two logs of one fault are no part of it: most of their instances stand in the mixed log too.
        """
        file = data_dir / "openstack_kalaki" / LOG
        return Dataset([file], test=0.5, hold_anomalies=True) if file.is_file() else None

    def labels(self, file: Path, quarantine: Quarantine) -> Labels | None:
        """By the three lists of instances in the folder of the file, kinds by the logs of one fault."""
        truth: dict[str, bool] = {}
        for name in FILES:
            for key in _keys(file.parent / name, rf"^({UUID}),", quarantine):
                truth[key] = truth.get(key, False) or "abnormal" in name
        return labels_of(file, truth, kinds_of(truth, file.parent, quarantine))

    def tied(self, table: pa.Table, hints: Hints, quarantine: Quarantine) -> pa.Table:
        """The lines that name an instance; all where another session key was asked for."""
        if hints.session_key != KEY or not table["session_key"].null_count:
            return table
        left = table.filter(table["session_key"].is_null())
        quarantine.add_lines(
            left["source"][0].as_py(),
            "line that names no instance, left out",
            zip(left["line"].to_pylist(), left["body"].to_pylist(), strict=True),
        )
        return table.filter(table["session_key"].is_valid())


def _keys(file: Path, regex: str, quarantine: Quarantine) -> list[str]:
    if not file.is_file():
        return []
    found = [block.lines.str.extract(regex, 1).drop_nulls() for block in read_blocks(file, file.name, quarantine)]
    return pl.concat(found).to_list() if found else []
