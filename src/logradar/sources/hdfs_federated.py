"""HDFS divided by time among federated clients, each with its own event numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Final

import polars as pl

from logradar.core.quarantine import Quarantine
from logradar.sources.base import Dataset, Hints
from logradar.sources.datasets.numbered import NUMBER, EventNumberSource
from logradar.sources.datasets.texts import by_id, number_of

LIST: Final = rf"\x22?\[(?P<events>{NUMBER}(?:, *{NUMBER})*)?\]\x22?"


class HdfsFederated(EventNumberSource):
    """HDFS fragments of federated clients, lines like ``"[2, 1, 1]",Normal``; the data set is client 2.

    Each client mined its own templates, so its event numbers are replaced by numbers that depend on the text alone:
    the CRC-32 (30 bits) of the template. They are equal for all clients whose ``client_<n>_templates.csv`` is in the
    same folder. Felli, master thesis 2024 (AdaLightLog, CRITIS 2024).
    """

    line: ClassVar[str] = rf"{LIST},(?P<label>[A-Za-z]{{1,20}})"
    header: ClassVar[str | None] = "EventSequence,Label"

    @classmethod
    def dataset(cls, data_dir: Path) -> Dataset | None:
        """The published split of client 2: training with the normal ones of 27,000 sequences, 80,697 for evaluation."""
        files = [data_dir / "hdfs_federated" / f"client_2_{name}.csv.xz" for name in ("train", "test")]
        return Dataset.if_present(files, first=27_000)

    def texts(self, file: Path) -> Mapping[int, str]:
        """The templates of the client that a file belongs to, by the numbers that all clients share."""
        return {number_of(text): text for text in _own(file).values()}

    def _frames(self, file: Path, name: str, hints: Hints, quarantine: Quarantine) -> Iterator[pl.DataFrame]:
        """Replaces the numbers of the client by shared ones; without its templates they stay unchanged."""
        own = {number: number_of(text) for number, text in _own(file).items()}
        for frame in super()._frames(file, name, hints, quarantine):
            if own:
                shared = pl.element().replace(list(own), list(own.values())).cast(pl.Int32)
                frame = frame.with_columns(pl.col("events").list.eval(shared))
            yield frame


def _own(file: Path) -> dict[int, str]:
    """The templates of the client that a file belongs to, by its own numbers."""
    client = re.match(r"client_[0-9]+", file.name)
    return by_id(file.parent / f"{client[0]}_templates.csv") if client else {}
