"""Train-Ticket as CSV of lines, by trace: the 28 faults of Nezha."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from logradar.sources.base import Dataset
from logradar.sources.datasets.nezha import Nezha


class Trainticket(Nezha):
    """Train-Ticket by trace (Nezha): wrong return values, exceptions and CPU contention in one service at a time.

    Yu et al., Nezha, ESEC/FSE 2023.
    """

    services: ClassVar[str] = r"ts-[a-z0-9-]+-"

    @classmethod
    def dataset(cls, data_dir: Path) -> Dataset | None:
        """Training: the earlier half of the normal traces. Evaluation: all others."""
        files = [data_dir / "trainticket_nezha" / f"{kind}_2023-01-29.csv.xz" for kind in ("faulty", "normal")]
        return Dataset.if_present(files, test=0.5, hold_anomalies=True)
