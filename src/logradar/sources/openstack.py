"""OpenStack's nova by instance, as event numbers: the faults of Kalaki et al."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

import polars as pl

from logradar.core.quarantine import Quarantine
from logradar.sources.base import Dataset
from logradar.sources.datasets.numbered import EVENTS, Numbered
from logradar.sources.datasets.texts import by_line
from logradar.sources.opening.reading import read_blocks
from logradar.sources.opening.session_keys import UUID

FILES: Final = ("openstack_train.csv.gz", "openstack_test_normal.csv.gz", "openstack_test_abnormal.csv.gz")
INSTANCE: Final = rf"(?P<key>{UUID})"
RAW: Final = {
    "openstack-vm-destroy-immediately-after-create.log.xz": "destroyed_at_once",
    "openstack-nova-dhcpoff.log.xz": "dhcp_off",
}


class Openstack(Numbered):
    """OpenStack instances (Kalaki) as event numbers: 50 normal ones train, three kinds of faults.

    The kind of fault is known of instances that stand in one of the two raw logs beside the sequences.
    Kalaki et al., Software: Practice and Experience 53(3), 2023; Landauer et al., FSE 2024.
    """

    line: ClassVar[str] = rf"{INSTANCE},{EVENTS}"

    @classmethod
    def dataset(cls, data_dir: Path) -> Dataset | None:
        """The published split: 50 sequences train, 4,895 normal and 651 abnormal ones are measured on."""
        folder = data_dir / "openstack_kalaki"
        return Dataset([folder / name for name in FILES], first=50) if folder.is_dir() else None

    def texts(self, file: Path) -> Mapping[int, str]:
        """Event ``n`` is line ``n`` of the file of templates."""
        return by_line(file.parent / "OpenStack_templates.txt")

    def faults(self, file: Path, keys: pl.Series, quarantine: Quarantine) -> pl.Series:
        """By the raw log that an instance stands in; ``other`` where these are there and it stands in neither."""
        kinds = kinds_of(keys.to_list(), file.parent, quarantine)
        return pl.Series([kinds.get(key) for key in keys.to_list()], dtype=pl.String)


def kinds_of(keys: Iterable[str], folder: Path, quarantine: Quarantine) -> dict[str, str]:
    """The kind of fault of instances, if they are anomalous; none where the raw logs of the faults are not there."""
    known = {key: kind for name, kind in RAW.items() for key in _instances(folder / name, quarantine)}
    return {key: known.get(key, "other") for key in keys} if known else {}


def _instances(log: Path, quarantine: Quarantine) -> Sequence[str]:
    """The instances that a raw log names."""
    if not log.is_file():
        return []
    found: dict[str, None] = {}
    for block in read_blocks(log, log.name, quarantine):
        keys = block.lines.str.extract(rf"\[instance: ({UUID})\]", 1).drop_nulls().unique(maintain_order=True)
        found.update(dict.fromkeys(keys.to_list()))
    return list(found)
