"""Online Boutique as CSV of lines, by trace: three minutes of Nezha."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from logradar.sources.base import Dataset
from logradar.sources.datasets.nezha import Nezha

SERVICES = "ad|cart|checkout|currency|email|payment|productcatalog|recommendation|shipping"


class Onlineboutique(Nezha):
    """Online Boutique by trace (Nezha): three minutes, all with CPU faults: no score on it is meaningful.

    Yu et al., Nezha, ESEC/FSE 2023.
    """

    services: ClassVar[str] = rf"(?:frontend|(?:{SERVICES})service)-"

    @classmethod
    def dataset(cls, data_dir: Path) -> Dataset | None:
        """Training: the earlier half of the traces that do not call the faulty service."""
        file = data_dir / "onlineboutique_nezha" / "faulty_3_minutes.csv.xz"
        return Dataset.if_present([file], test=0.5, hold_anomalies=True)
