"""OpenStack nova by instance, as event numbers: the faults of Kalaki et al."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar, Final

import polars as pl

from logradar.core.quarantine import Quarantine
from logradar.sources.base import Dataset
from logradar.sources.datasets.numbered import EVENTS, EventNumberSource
from logradar.sources.opening.id_places import UUID
from logradar.sources.opening.reading import read_blocks

FILES: Final = ("openstack_train.csv.gz", "openstack_test_normal.csv.gz", "openstack_test_abnormal.csv.gz")
INSTANCE: Final = rf"(?P<key>{UUID})"
RAW: Final = {
    "openstack-vm-destroy-immediately-after-create.log.xz": "destroyed_at_once",
    "openstack-nova-dhcpoff.log.xz": "dhcp_off",
}


class Openstack(EventNumberSource):
    """OpenStack instances (Kalaki) as event numbers: 50 normal ones for training, three kinds of faults.

    The kind of fault is known for instances that occur in one of the two raw logs in the same folder.
    The published split: 50 sequences for training, 4,895 normal and 651 abnormal ones for evaluation.
    Kalaki et al., Software: Practice and Experience 53(3), 2023; Landauer et al., FSE 2024.
    """

    line: ClassVar[str] = rf"{INSTANCE},{EVENTS}"
    templates: ClassVar[str | None] = "OpenStack_templates.txt"
    folder: ClassVar[str] = "openstack_kalaki"  # of the data set
    first: ClassVar[int] = 50  # sequences for training

    @classmethod
    def dataset(cls, data_dir: Path) -> Dataset | None:
        """The published split: the first sequences are for training, all others for evaluation."""
        folder = data_dir / cls.folder
        return Dataset([folder / name for name in FILES], first=cls.first) if folder.is_dir() else None

    def faults(self, file: Path, keys: pl.Series, quarantine: Quarantine) -> pl.Series:
        """By the raw log that names an instance; ``other`` if the raw logs exist and none names it."""
        kinds = kinds_of(keys.to_list(), file.parent, quarantine)
        return pl.Series([kinds.get(key) for key in keys.to_list()], dtype=pl.String)


def kinds_of(keys: Iterable[str], folder: Path, quarantine: Quarantine) -> dict[str, str]:
    """The kind of fault of these instances, should they be anomalous; empty if the raw logs do not exist."""
    known = {key: kind for name, kind in RAW.items() for key in _instances(folder / name, quarantine)}
    return {key: known.get(key, "other") for key in keys} if known else {}


def _instances(log: Path, quarantine: Quarantine) -> Sequence[str]:
    """The instances that a raw log names, in order of first appearance."""
    if not log.is_file():
        return []
    instances: dict[str, None] = {}
    for block in read_blocks(log, log.name, quarantine):
        keys = block.lines.str.extract(rf"\[instance: ({UUID})\]", 1).drop_nulls().unique(maintain_order=True)
        instances.update(dict.fromkeys(keys.to_list()))
    return list(instances)
