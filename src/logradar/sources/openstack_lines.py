"""OpenStack nova as raw lines, by instance: the logs of Kalaki et al. and of Utah."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Final

import polars as pl
import pyarrow as pa

from logradar.core.quarantine import Quarantine
from logradar.sources.base import Dataset, Hints
from logradar.sources.datasets.lines import LabelledLines, labels_of
from logradar.sources.opening.id_places import UUID
from logradar.sources.opening.labels import Labels
from logradar.sources.opening.reading import read_blocks
from logradar.sources.openstack import FILES, kinds_of

KEY: Final = rf"\[instance: ({UUID})\]"
LOG: Final = "openstack-nova-sample.log.xz"


class OpenstackLines(LabelledLines):
    """Raw lines of OpenStack nova, by instance; labels come from the lists of instances in the same folder.

    Lines that name no instance are left out and counted; the published sequences leave them out too. Kalaki et al.,
    Software: Practice and Experience 53(3), 2023.
    """

    session_key: ClassVar[str | None] = KEY

    @classmethod
    def dataset(cls, data_dir: Path) -> Dataset | None:
        """The mixed log. Training: the earlier half of the normal instances. Evaluation: all others.

        The two logs with one fault each are left out, because most of their instances are in the mixed log too.
        """
        return Dataset.if_present([data_dir / "openstack_kalaki" / LOG], test=0.5, hold_anomalies=True)

    def labels(self, file: Path, quarantine: Quarantine) -> Labels | None:
        """Labels from the three lists of instances in the folder, kinds of fault from the logs with one fault each."""
        truth: dict[str, bool] = {}
        for name in FILES:
            for key in _keys(file.parent / name, rf"^({UUID}),", quarantine):
                truth[key] = truth.get(key, False) or "abnormal" in name
        return labels_of(file, truth, kinds_of(truth, file.parent, quarantine))

    def in_sessions(self, table: pa.Table, hints: Hints, quarantine: Quarantine) -> pa.Table:
        """The lines that name an instance; all lines if another session key is set."""
        if hints.session_key != KEY or not table["session_key"].null_count:
            return table
        left_out = table.filter(table["session_key"].is_null())
        quarantine.add_lines(
            left_out["source"][0].as_py(),
            "line without an instance, left out",
            zip(left_out["line"].to_pylist(), left_out["body"].to_pylist(), strict=True),
        )
        return table.filter(table["session_key"].is_valid())


def _keys(file: Path, regex: str, quarantine: Quarantine) -> list[str]:
    if not file.is_file():
        return []
    keys = [block.lines.str.extract(regex, 1).drop_nulls() for block in read_blocks(file, file.name, quarantine)]
    return pl.concat(keys).to_list() if keys else []
