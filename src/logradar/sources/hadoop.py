"""Hadoop containers as event numbers, with the kind of fault of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Final

import polars as pl

from logradar.core.quarantine import Quarantine
from logradar.sources.base import Dataset, Hints
from logradar.sources.datasets.numbered import EVENTS, KEY, EventNumberSource

APPLICATION: Final = r"application_([0-9]{1,18})_([0-9]{1,9})"


class Hadoop(EventNumberSource):
    """Hadoop containers as event numbers: machine down, network disconnected, disk full.

    Sessions are sorted by the start of their applications (a number in their names), so that the containers of one
    application are together. The service is ``application_master`` or ``task``. Lin et al., ICSE-C 2016;
    Zhu et al., ISSRE 2023; Landauer et al., FSE 2024.
    """

    line: ClassVar[str] = rf"{KEY},(?P<label>[a-z_]{{1,40}}),{EVENTS}"
    header: ClassVar[str | None] = "Container,Label,EventSequence"
    templates: ClassVar[str | None] = "Hadoop_templates.txt"
    normal: ClassVar[Sequence[str]] = ("normal",)
    anomalous: ClassVar[Sequence[str]] = ("machine_down", "network_disconnection", "disk_full")
    kinds: ClassVar[bool] = True

    @classmethod
    def dataset(cls, data_dir: Path) -> Dataset | None:
        """Training: the normal containers of the first five of eleven applications. Evaluation: all others."""
        return Dataset.if_present([data_dir / "hadoop" / "hadoop_sequences.csv.gz"], first=73, hold_anomalies=True)

    def _frames(self, file: Path, name: str, hints: Hints, quarantine: Quarantine) -> Iterator[pl.DataFrame]:
        """The whole file at once (it is small), sorted by the start of the application."""
        frames = list(super()._frames(file, name, hints, quarantine))
        if frames:
            began = (pl.col("key").str.extract(APPLICATION, group).cast(pl.Int64) for group in (1, 2))
            master = pl.col("key").str.ends_with("_000001")
            service = pl.when(master).then(pl.lit("application_master")).otherwise(pl.lit("task"))
            yield pl.concat(frames).sort(*began, maintain_order=True, nulls_last=True).with_columns(service=service)
