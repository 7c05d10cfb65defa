"""OpenStack nova by instance, as event numbers: the data set of the DeepLog paper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from logradar.sources.openstack import Openstack


class OpenstackUtah(Openstack):
    """OpenStack instances (Utah) as event numbers; its 198 anomalies equal normal ones: no score on it is meaningful.

    All instances of the abnormal log are labelled, but a fault was injected in only 4. The published split: 19
    sequences for training, 1,852 normal and 198 abnormal ones for evaluation. Du et al., CCS 2017; Zhu et al., ISSRE
    2023; Landauer et al., FSE 2024.
    """

    folder: ClassVar[str] = "openstack_utah"
    first: ClassVar[int] = 19

    @classmethod
    def recognises(cls, path: Path, head: Sequence[str]) -> float:
        """Its lines look like those of `openstack`; the name of the folder distinguishes them."""
        return 0.95 if path.parent.name == cls.folder and super().recognises(path, head) else 0.0
