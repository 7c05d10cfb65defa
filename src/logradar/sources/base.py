"""The interface of every source: recognise a log by its content and read it as LOG_RECORDS."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

import pyarrow as pa
from pydantic import Field

from logradar.core.config import Config
from logradar.core.filenames import readable
from logradar.core.quarantine import Quarantine
from logradar.core.registry import Registry

if TYPE_CHECKING:
    from logradar.sources.decoding.layouts import Order


class ReadLimits(Config):
    """How much is read at once, and how long lines and records may be."""

    block: int = Field(default=8 << 20, ge=1, description="bytes of text that are read at once")
    line: int = Field(default=1 << 20, ge=1, description="bytes of a line; the rest is cut off and reported")
    record: int = Field(default=64 << 10, ge=1, description="bytes of a record; further lines are left out")
    rows: int = Field(default=200_000, ge=1, description="lines in a block, records in a batch")
    endless: int = Field(default=256 << 20, ge=1, description="bytes of a line after which the file is skipped")


@dataclass(frozen=True)
class Dataset:
    """A named data set: its files in the data folder, and how its papers split it into training and test data.

    ``test`` is the share of the latest sessions that is held back for evaluation. If ``first`` is set, that number of
    the earliest sessions is used for training instead. With ``hold_anomalies`` all sessions labelled anomalous are
    held back, also early ones. The last three are settings of ``split``.
    """

    files: Sequence[Path]
    labels: Path | None = None
    test: float = 0.5
    first: int | None = None
    hold_anomalies: bool = False

    @classmethod
    def if_present(
        cls, files: Sequence[Path], *, test: float = 0.5, first: int | None = None, hold_anomalies: bool = False
    ) -> Dataset | None:
        """The data set without labels in other files, or None where its first file does not exist."""
        return cls(files, None, test, first, hold_anomalies) if files[0].is_file() else None


@dataclass(frozen=True)
class Hints:
    """What a source is given besides the files; it determines everything else from their content."""

    session_key: str | None = None  # regex; its first group, or the whole match, is the key
    format: str | None = None  # name of a line format to use, see opening/formats.py
    names: Mapping[Path, str] = field(default_factory=dict)  # names of files that are not called by their path
    services: Mapping[Path, str] = field(default_factory=dict)  # service of the lines that do not state one, by file
    limits: ReadLimits = field(default_factory=ReadLimits)
    on_progress: Callable[[int], object] = lambda count: None  # called with the number of bytes read
    window: int | None = None  # lines per window, for sources that divide their lines into windows
    date_order: Order | None = None  # what dates of numbers begin with, unless the file itself proves it
    on_fault_kinds: Callable[[Mapping[str, str]], object] = lambda kinds: None  # called with kinds by session key

    def name(self, file: Path) -> str:
        """The name of a file in the column ``source`` and in the quarantine."""
        return self.names.get(file, readable(str(file)))


class Source(ABC):
    """Reads one kind of log. ``session_key`` is the regex of the session key that this kind of log has, if any."""

    session_key: ClassVar[str | None] = None
    discovers_key: ClassVar[bool] = False  # whether to search its lines for a session key if it has none
    looks_ordinary: ClassVar[bool] = False  # whether nothing in its lines says that they are of this kind
    beside: ClassVar[tuple[str, ...]] = ()  # files beside its own that are no logs; tables of this kind are logs then

    @classmethod
    def dataset(cls, data_dir: Path) -> Dataset | None:
        """The named data set of this source below ``data_dir``; None if it has none or its files do not exist."""
        return None

    @classmethod
    @abstractmethod
    def recognises(cls, path: Path, head: Sequence[str]) -> float:
        """How certain it is (0 to 1) that a file with the first lines ``head`` is of this kind."""

    @abstractmethod
    def read(self, files: Sequence[Path], hints: Hints, quarantine: Quarantine) -> Iterator[pa.Table]:
        """LOG_RECORDS in batches of bounded size; ``record_id`` counts from 0 over all files.

        Input that cannot be read is added to ``quarantine`` with file, position and reason.
        """


class SessionSource(Source):
    """Reads a kind of log whose files contain whole sessions of event ids."""

    @abstractmethod
    def sessions(self, files: Sequence[Path], hints: Hints, quarantine: Quarantine) -> Iterator[pa.Table]:
        """The content of the files as DATED_SESSIONS (see `logradar.sources.radar.dated`)."""


sources: Final[Registry[Source]] = Registry("logradar.sources", "Source", "source")
