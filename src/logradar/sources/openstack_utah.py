"""OpenStack's nova by instance, as event numbers: the set of the DeepLog paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from logradar.sources.base import Dataset
from logradar.sources.datasets.numbered import EVENTS, Numbered
from logradar.sources.datasets.texts import by_line
from logradar.sources.openstack import FILES, INSTANCE


class OpenstackUtah(Numbered):
    """OpenStack instances (Utah) as event numbers; its 198 anomalies equal normal ones: never claim a score on it.

    All instances of the abnormal log are labelled, but only 4 had a fault injected. Du et al., CCS 2017;
    Zhu et al., ISSRE 2023; Landauer et al., FSE 2024.
    """

    line: ClassVar[str] = rf"{INSTANCE},{EVENTS}"

    @classmethod
    def recognises(cls, path: Path, head: Sequence[str]) -> float:
        """Its form is that of `openstack`; the folder tells them apart."""
        return 0.95 if path.parent.name == "openstack_utah" and super().recognises(path, head) else 0.0

    @classmethod
    def dataset(cls, data_dir: Path) -> Dataset | None:
        """The published split: 19 sequences train, 1,852 normal and 198 abnormal ones are measured on."""
        folder = data_dir / "openstack_utah"
        return Dataset([folder / name for name in FILES], first=19) if folder.is_dir() else None

    def texts(self, file: Path) -> Mapping[int, str]:
        """Event ``n`` is line ``n`` of the file of templates."""
        return by_line(file.parent / "OpenStack_templates.txt")
