"""HDFS cut by time for federated clients, each with event numbers of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Final

import polars as pl

from logradar.core.quarantine import Quarantine
from logradar.sources.base import Dataset, Hints
from logradar.sources.datasets.numbered import NUMBER, Numbered
from logradar.sources.datasets.texts import by_id, number_of

LIST: Final = rf"\x22?\[(?P<events>{NUMBER}(?:, *{NUMBER})*)?\]\x22?"


class HdfsFederated(Numbered):
    """HDFS fragments of federated clients, lines like ``"[2, 1, 1]",Normal``; the data set is client 2.

    Each client mined its own templates, so its numbers are joined over their text: an event is called by the
    CRC-32 (30 bits) of its template, equal for all clients whose ``client_<n>_templates.csv`` is beside.
    Felli, master thesis 2024 (AdaLightLog, CRITIS 2024).
    """

    line: ClassVar[str] = rf"{LIST},(?P<label>[A-Za-z]{{1,20}})"
    header: ClassVar[str | None] = "EventSequence,Label"

    @classmethod
    def dataset(cls, data_dir: Path) -> Dataset | None:
        """Client 2, published split: the normal ones of 27,000 sequences train, 80,697 others are measured on."""
        files = [data_dir / "hdfs_federated" / f"client_2_{name}.csv.xz" for name in ("train", "test")]
        return Dataset(files, first=27_000) if files[0].is_file() else None

    def texts(self, file: Path) -> Mapping[int, str]:
        """The templates of the file's client under the numbers that all clients share."""
        return {number_of(text): text for text in _own(file).values()}

    def _frames(self, file: Path, name: str, hints: Hints, quarantine: Quarantine) -> Iterator[pl.DataFrame]:
        """The client's numbers become shared ones; without its templates they stay what they are."""
        own = {number: number_of(text) for number, text in _own(file).items()}
        for frame in super()._frames(file, name, hints, quarantine):
            if own:
                shared = pl.element().replace(list(own), list(own.values())).cast(pl.Int32)
                frame = frame.with_columns(pl.col("events").list.eval(shared))
            yield frame


def _own(file: Path) -> dict[int, str]:
    client = re.match(r"client_[0-9]+", file.name)
    return by_id(file.parent / f"{client[0]}_templates.csv") if client else {}
