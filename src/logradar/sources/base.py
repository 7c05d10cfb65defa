"""The promise of every source: recognise a log by its content, turn it into LOG_RECORDS."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final

import pyarrow as pa
from pydantic import Field

from logradar.core.config import Config
from logradar.core.filenames import readable
from logradar.core.quarantine import Quarantine
from logradar.core.registry import Registry


class Limits(Config):
    """How much is read at once and how long one piece of text may be."""

    block: int = Field(default=8 << 20, ge=1, description="bytes of text that are read at once")
    line: int = Field(default=1 << 20, ge=1, description="bytes of a line; what is beyond is cut off and told")
    record: int = Field(default=64 << 10, ge=1, description="bytes of a record of several lines; more are told")
    rows: int = Field(default=200_000, ge=1, description="lines in a block, records in a batch")
    endless: int = Field(default=256 << 20, ge=1, description="bytes of a line after which its file is given up")


@dataclass(frozen=True)
class Dataset:
    """A named data set: its files under the data folder and how its papers split it.

    ``test`` is the share of the latest sessions that its protocol holds back for evaluation; with ``first``
    so many of the earliest train instead, and with ``hold_anomalies`` all that are labelled anomalous are held
    back wherever they stand. The fields are those of the settings ``split``.
    """

    files: Sequence[Path]
    labels: Path | None = None
    test: float = 0.5
    first: int | None = None
    hold_anomalies: bool = False


@dataclass(frozen=True)
class Hints:
    """What a source may be told: everything else it finds out from the content."""

    session_key: str | None = None  # regex; the first group, or the whole match, is the key
    format: str | None = None  # name of a line format that is to be used, see inputs/formats.py
    names: Mapping[Path, str] = field(default_factory=dict)  # how a file is called where not by its path
    services: Mapping[Path, str] = field(default_factory=dict)  # the service of a file whose lines name none
    limits: Limits = field(default_factory=Limits)
    advance: Callable[[int], object] = lambda count: None  # told how many bytes of the files were used
    window: int | None = None  # lines of a window, for sources that cut their lines into windows
    blame: Callable[[Mapping[str, str]], object] = lambda kinds: None  # told the kind of fault of session keys

    def name(self, file: Path) -> str:
        """What the column ``source`` and the quarantine call a file."""
        return self.names.get(file, readable(str(file)))


class Source(ABC):
    """One kind of log. ``session_key`` is the regex of its own natural session key, if any."""

    session_key: ClassVar[str | None] = None
    discovers: ClassVar[bool] = False  # whether a key is looked for in its lines where it has none of its own

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


class SessionSource(Source):
    """A kind of log whose files hold whole sessions with event ids of their own."""

    @abstractmethod
    def sessions(self, files: Sequence[Path], hints: Hints, quarantine: Quarantine) -> Iterator[pa.Table]:
        """The same as `read` gives, as DATED_SESSIONS (see `logradar.sources.radar.dated`)."""


sources: Final[Registry[Source]] = Registry("logradar.sources", "Source", "source")
