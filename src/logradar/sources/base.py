"""The promise of every source: recognise a log by its content, turn it into LOG_RECORDS."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final

import pyarrow as pa

from logradar.core.registry import Registry
from logradar.sources.inputs.quarantine import Quarantine


@dataclass(frozen=True)
class Dataset:
    """A named data set: its files under the data folder and how its papers split it.

    ``test`` is the share of the latest sessions that its protocol holds back for evaluation.
    """

    files: Sequence[Path]
    labels: Path | None = None
    test: float = 0.5


@dataclass(frozen=True)
class Hints:
    """What a source may be told: everything else it finds out from the content."""

    session_key: str | None = None  # regex; the first group, or the whole match, is the key
    options: dict[str, str] = field(default_factory=dict)


class Source(ABC):
    """One kind of log. ``session_key`` is the regex of its own natural session key, if any."""

    session_key: ClassVar[str | None] = None

    @classmethod
    def dataset(cls, data_dir: Path) -> Dataset | None:
        """The named data set that this source reads, if it is a known one and is there."""
        return None

    @classmethod
    @abstractmethod
    def recognises(cls, path: Path, head: Sequence[str]) -> float:
        """How surely (0 to 1) a file whose first lines are ``head`` is of this kind."""

    @abstractmethod
    def read(self, files: Sequence[Path], hints: Hints, quarantine: Quarantine) -> Iterator[pa.Table]:
        """LOG_RECORDS in bounded batches; ``record_id`` counts on from 0 over all files.

        What cannot be read goes to ``quarantine`` with file, position and reason.
        """


sources: Final[Registry[Source]] = Registry("logradar.sources", "Source", "source")
