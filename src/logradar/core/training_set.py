"""What detectors learn from: normal sessions of training and of validation, in memory or on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from logradar.core.distinct import MEMORY, Distinct, count_distinct
from logradar.core.progress import Progress
from logradar.core.sequences import Sequences
from logradar.core.session_set import SessionSet, SessionTable
from logradar.core.session_view import SessionView
from logradar.core.tables import SESSIONS


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Normal ``sessions`` to learn from and later normal ones, ``valid``, to score; both in order of time.

    Of ``sessions`` the distinct sequences are kept, on disk when they take more than ``memory`` bytes; ``valid`` is
    held in memory: give a sample of what is larger. ``folder`` is where a long training may keep checkpoints,
    history and what does not fit in memory. ``replayed`` are distinct normal sequences that were learnt before and are
    learnt again beside the new ones. ``templates`` gives the text of each template id. ``marked`` are sessions of the
    training part that are labelled anomalous, ``marked_valid`` those of the validation part: only detectors that say
    so learn from them.

    What detectors need is computed when the first of them asks for it and shared by all. Files on disk are removed at
    the end of a ``with``, or when nothing refers to the set any more.
    """

    sessions: SessionSet
    valid: SessionSet
    folder: Path | None = None
    memory: int = MEMORY
    replayed: Sequences | None = None
    templates: Callable[[], Mapping[int, str]] = dict
    marked: SessionSet | None = None
    marked_valid: SessionSet | None = None
    _computed: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of_tables(
        cls, sessions: pa.Table, valid: pa.Table, folder: Path | None = None, memory: int = MEMORY
    ) -> TrainingSet:
        """From two SESSIONS tables in memory."""
        return cls(SessionTable(sessions), SessionTable(valid), folder, memory)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        counted = self._computed.pop("distinct", None)
        if counted is not None:
            counted.__exit__()

    def inside(self, name: str) -> TrainingSet:
        """The same for one of several detectors: its folder is the folder ``name`` in this one."""
        return replace(self, folder=self.folder / name if self.folder else None)

    @property
    def distinct(self) -> Distinct:
        """The distinct sequences of ``sessions`` (and of what is replayed) with their counts."""
        if "distinct" not in self._computed:
            self._computed["distinct"] = self._counted()
        counted: Distinct = self._computed["distinct"]
        return counted

    @property
    def in_order(self) -> Sequences | None:
        """The sequences of all that is learnt in order of time; None where that is not in memory or not known."""
        return self.sessions.loaded() if self.sessions.in_memory and self.replayed is None else None

    @property
    def services(self) -> pa.DictionaryArray:
        """The service of each validation session; null where none is known."""
        if "services" not in self._computed:
            self._computed["services"] = services_of(self.valid)
        return self._computed["services"]

    def views(self, inputs: frozenset[str]) -> Iterator[SessionView]:
        """What a detector with these inputs reads of ``sessions``, in order, some thousand rows at a time."""
        return SessionView.chunks(self.sessions, inputs)

    def valid_view(self, inputs: frozenset[str]) -> SessionView:
        """What a detector with these inputs reads of ``valid``; each session is a row."""
        key = "valid " + " ".join(sorted(inputs))
        if key not in self._computed:
            self._computed[key] = SessionView.whole(self.valid, inputs)
        view: SessionView = self._computed[key]
        return view

    def _counted(self) -> Distinct:
        pieces = chain([] if self.replayed is None else [self.replayed], self.sessions.sequences())
        with Progress("counting distinct sequences", len(self.sessions), "sessions") as bar:
            return count_distinct(_advancing(pieces, bar), self.folder, self.memory)


def services_of(sessions: SessionSet) -> pa.DictionaryArray:
    """The service of each of SESSIONS; null where none is known."""
    empty = pa.schema([SESSIONS.field("service")]).empty_table()
    column = pa.concat_tables([empty, *sessions.tables(["service"])])["service"].cast(pa.string()).combine_chunks()
    return column.dictionary_encode()


def _advancing(pieces: Iterator[Sequences], bar: Progress) -> Iterator[Sequences]:
    for piece in pieces:
        yield piece
        bar.advance(len(piece))
