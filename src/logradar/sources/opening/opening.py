"""The one door to all inputs: INPUT -> batches of LOG_RECORDS, with all that was found out about it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
import pyarrow as pa
from pydantic import Field

from logradar.core.config import Config, validated
from logradar.core.errors import InputError
from logradar.core.filenames import readable
from logradar.core.progress import Progress
from logradar.core.quarantine import Quarantine
from logradar.core.tables import LOG_RECORDS, check
from logradar.sources.base import Dataset, Hints, Limits, SessionSource, Source
from logradar.sources.opening import session_keys
from logradar.sources.opening.files import PREPARED, SIMULATED, Found, find
from logradar.sources.opening.formats import SEEN
from logradar.sources.opening.headers import HEADERS
from logradar.sources.opening.labels import Labels, labels_for, unlabelled
from logradar.sources.opening.recognising import SAMPLED_LINES, Part, Sample, recognise, samples, service_names
from logradar.sources.opening.selection import select
from logradar.sources.radar.dated import DATED_SESSIONS, day_of

UNIT: Final = 32 << 20  # bytes of small files that are read in one go


class InputSettings(Config):
    """How an input is read; what is not set is found out."""

    source: str | None = Field(default=None, description="the kind of log; `logradar sources` lists them")
    format: str | None = Field(default=None, description="the format of its lines, such as syslog, json or cri+logback")
    session_key: str | None = Field(default=None, description="regex of what ties lines together; '' for none: windows")
    labels: Path | None = Field(default=None, description="CSV of session key and label")
    use_labels: bool = Field(
        default=True, description="whether labels are taken that stand in the input or in a file beside it"
    )
    data_dir: Path | None = Field(default=None, description="where named data sets are")
    window: int | None = Field(
        default=None,
        ge=1,
        le=10**9,
        description="lines of a window, for data sets that are read in windows (bgl, iotdb)",
    )
    limit_files: int | None = Field(default=None, ge=0, description="only so many files, the newest; 0 for all")
    since: date | None = Field(default=None, description="only files of that day and later, as 2024-05-01")
    until: date | None = Field(default=None, description="only files of that day and earlier")
    limits: Limits = Field(default=Limits(), description="how much is read at once")

    def for_others(self) -> InputSettings:
        """These settings without what belongs to one input alone: its labels, place and choice of files."""
        own = dict.fromkeys(("labels", "data_dir", "limit_files", "since", "until"))
        return self.model_copy(update={**own, "use_labels": True})


@dataclass(frozen=True)
class Unit:
    """Files of one kind that are read in one go: the piece of an input that is done or not done."""

    kind: type[Source]
    files: tuple[Path, ...]
    size: int  # bytes on disk


@dataclass
class Opened:
    """An input that was found and recognised, ready to be read; a context that cleans up behind itself.

    ``settings`` hold what was found out, so that other inputs can be read the same way;
    ``notes`` are sentences for people; ``kinds`` maps session keys to fault kinds.
    """

    source: str
    settings: InputSettings
    notes: list[str]
    quarantine: Quarantine
    dataset: Dataset | None
    _spec: str
    _asked: InputSettings
    _found: Found
    _parts: list[Part]
    _keys: dict[type[Source], str | None]
    _services: dict[Path, str]
    _labels: Labels | None
    _begun: bool = field(default=False, init=False)
    _blamed: dict[str, str] = field(default_factory=dict, init=False)

    @property
    def files(self) -> list[Path]:
        """The files that are read, in this order."""
        return [file for part in self._parts for file in part.files]

    @property
    def groups(self) -> bool:
        """Whether all of its files hold whole sessions with event ids of their own."""
        return all(issubclass(part.kind, SessionSource) for part in self._parts)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self._found.size

    @property
    def prepared(self) -> Path | None:
        """The folder that `logradar prepare` wrote, if the input is one."""
        return self._found.prepared

    @property
    def labels(self) -> Labels | None:
        """The labels that are joined onto what is read."""
        return self._labels

    @property
    def spec(self) -> str:
        """INPUT as it was given."""
        return self._spec

    def name(self, file: Path) -> str:
        """What a file is called in the column ``source``."""
        return self._found.names.get(file, readable(str(file)))

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of fault of those sessions whose label names one; complete when all is read."""
        return self._labels.kinds if self._labels else self._blamed if self._asked.use_labels else {}

    def batches(self, title: str | None = "reading") -> Iterator[pa.Table]:
        """LOG_RECORDS in batches of bounded size; ``title`` heads the progress bar, None shows none.

        May be called again: what is quarantined is counted the first time only. Raises
        `InputError` where there is not one record, `DataError` where labels match nothing.
        """
        quarantine = Quarantine() if self._begun else self.quarantine
        self._begun = True
        if title is None:
            yield from self._read(quarantine, lambda count: None)
            return
        with Progress(title, self._found.size, "B") as bar:
            yield from self._read(quarantine, bar.advance)

    def _read(self, quarantine: Quarantine, advance: Callable[[int], object]) -> Iterator[pa.Table]:
        record_id = 0
        for unit in self.units():
            for table in self.records(unit, record_id, quarantine, advance):
                record_id += table.num_rows
                yield table
        self.complain(record_id, quarantine)

    def units(self) -> list[Unit]:
        """The files in their order, small ones of one kind together up to about `UNIT` bytes."""
        units: list[Unit] = []
        for part in self._parts:
            for file in part.files:
                bytes_ = file.stat().st_size if file.exists() else 0
                last = units[-1] if units else None
                if last and last.kind is part.kind and last.size + bytes_ <= UNIT:
                    units[-1] = Unit(part.kind, (*last.files, file), last.size + bytes_)
                else:
                    units.append(Unit(part.kind, (file,), bytes_))
        return units

    def records(
        self, unit: Unit, record_id: int, quarantine: Quarantine, advance: Callable[[int], object]
    ) -> Iterator[pa.Table]:
        """LOG_RECORDS of one unit, numbered from ``record_id`` on, with their labels."""
        for table in unit.kind().read(unit.files, self._hints(unit, advance), quarantine):
            if record_id:
                ids = pa.array(np.arange(record_id, record_id + table.num_rows))
                table = table.set_column(0, LOG_RECORDS.field("record_id"), ids)
            record_id += table.num_rows
            yield check(self._labelled(table), LOG_RECORDS)

    def sessions(self, unit: Unit, quarantine: Quarantine, advance: Callable[[int], object]) -> Iterator[pa.Table]:
        """DATED_SESSIONS of one unit, where the input ``groups``, with their labels."""
        assert issubclass(unit.kind, SessionSource)
        for table in unit.kind().sessions(unit.files, self._hints(unit, advance), quarantine):
            yield check(self._labelled(table), DATED_SESSIONS)

    def _labelled(self, table: pa.Table) -> pa.Table:
        return self._labels.join(table) if self._labels else table if self._asked.use_labels else unlabelled(table)

    def _hints(self, unit: Unit, advance: Callable[[int], object]) -> Hints:
        return Hints(
            self._keys[unit.kind], self._asked.format, self._found.names, self._services, self._asked.limits, advance,
            self._asked.window, self._blamed.update,
        )  # fmt: skip

    def complain(self, records: int, quarantine: Quarantine, labelled: bool = False) -> None:
        """Raise `InputError` where nothing was read, `DataError` where labels that were asked for match nothing."""
        if not records:
            raise InputError(f"'{self._spec}' holds no log records. {quarantine.sentence()}".strip())
        if self._labels and not (labelled or self._labels.matched):
            if self._asked.labels:
                raise self._labels.unmatched()
            self.notes.append(str(self._labels.unmatched()))

    def close(self) -> None:
        """Remove what was put on disk to read the input (what came from stdin)."""
        self._found.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_input(spec: str | Path, settings: InputSettings | None = None, quarantine_path: Path | None = None) -> Opened:
    """Find INPUT ``spec``, recognise what it is, and settle how it is read.

    What is not set in ``settings`` (source, format, session key, labels) is found out and stands
    in `Opened.settings`. Bad input is written to ``quarantine_path``. Raises `InputError` for
    what cannot be found or read, `ConfigError` for a wrong regex, format or source.
    """
    settings = settings or InputSettings()
    if settings.session_key:
        session_keys.check_regex(settings.session_key)
    found = find(str(spec), settings.data_dir)
    try:
        return _open(str(spec), settings, found, Quarantine(quarantine_path))
    except BaseException:
        found.close()
        raise


def _open(spec: str, settings: InputSettings, found: Found, quarantine: Quarantine) -> Opened:
    found, chosen = select(spec, found, settings.limit_files, settings.since, settings.until)
    stored = _stored(found.prepared) if found.prepared else None
    labels, about_labels = labels_for(settings.labels, found.labels, settings.use_labels)
    parts = recognise(spec, found, settings.source or found.source, quarantine)
    notes = (
        [note for note in (chosen, about_labels) if note]
        + _about_files(found)
        + _about_mixture(parts)
        + _about_days(parts)
    )
    plain = [file for part in parts if part.kind.discovers for file in part.files]
    search = settings.session_key is None and any(p.kind.discovers and p.kind.session_key is None for p in parts)
    taken = samples(plain, settings.format, SAMPLED_LINES if search else SEEN)
    notes += _about_formats(taken, found, settings)
    keys, said = _keys(parts, taken, settings)
    notes += said
    kinds = {part.kind for part in parts}
    formats = {sample.format.name for sample in taken}
    resolved = settings.model_copy(
        update={
            "source": _name(parts[0].kind) if len(kinds) == 1 else settings.source,
            "format": formats.pop() if len(formats) == 1 else settings.format,
            "session_key": settings.session_key if settings.session_key is not None else _kept(parts, keys, stored),
        }
    )
    names = dict.fromkeys(_name(part.kind) for part in parts)
    return Opened(
        ", ".join(names), resolved, notes, quarantine, found.dataset, spec, settings, found, parts, keys,
        service_names(plain), labels,
    )  # fmt: skip


def _keys(
    parts: list[Part], taken: list[Sample], settings: InputSettings
) -> tuple[dict[type[Source], str | None], list[str]]:
    """The session key of each kind of file, and what people should know about it."""
    given = settings.session_key
    if given is not None:
        return {part.kind: given or None for part in parts}, []
    keys = {part.kind: part.kind.session_key for part in parts}
    searched = [kind for kind, key in keys.items() if kind.discovers and key is None]
    if not searched:
        return keys, []
    of_these = {file for part in parts if part.kind in searched for file in part.files}
    key = session_keys.discover([sample.texts for sample in taken if sample.file in of_these])
    if key is None:
        return keys, ["No field ties the lines together, so windows are used; name one with --session-key REGEX."]
    return {**keys, **dict.fromkeys(searched, key.regex)}, [key.sentence()]


def _kept(parts: list[Part], keys: dict[type[Source], str | None], stored: InputSettings | None) -> str | None:
    """The key by which other inputs are to be read: '' where windows are used."""
    if stored:  # the records of a prepared folder have their keys; new logs are read as its own were
        return stored.session_key
    used = [key for part in parts if (key := keys[part.kind])]
    if used:
        return used[0]
    return "" if any(part.kind.discovers for part in parts) else None


def _about_files(found: Found) -> list[str]:
    if not found.skipped or found.labels or any(file.name == SIMULATED for file in found.skipped):
        return []
    named = _listed([f"'{file.name}'" for file in found.skipped])
    return [f"Left out, because their names say that they are no logs: {named}."]


def _about_days(parts: list[Part]) -> list[str]:
    """Say so where sessions of several files cannot be told apart, because a date and a number is all they have."""
    days = Counter(
        day_of(file.name)
        for part in parts
        if issubclass(part.kind, SessionSource)
        for file in part.files
        if file.suffix != ".parquet"
    )
    twice = [f"{day} ({count} files)" for day, count in days.items() if count > 1]
    if not twice:
        return []
    return [f"Several files are of the same day: {_listed(twice)}; sessions of equal number in them have the same key."]


def _about_mixture(parts: list[Part]) -> list[str]:
    """Say so where sessions with event ids of their own become lines because of what stands beside them."""
    whole, lines = (
        [file for part in parts if issubclass(part.kind, SessionSource) is groups for file in part.files]
        for groups in (True, False)
    )
    if not whole or not lines:
        return []
    named = _listed([f"'{readable(file.name)}'" for file in lines])
    return [
        f"{len(whole):,} day files stand beside other logs ({named}), so that all are read line by line; to keep the "
        "event ids of day files, give these alone."
    ]


def _about_formats(taken: list[Sample], found: Found, settings: InputSettings) -> list[str]:
    odd, marked = [], []
    for sample in taken:
        name = f"'{found.names.get(sample.file, readable(str(sample.file)))}'"
        if settings.format and sample.format.share < 0.5:
            odd.append(f"only {sample.format.share:.0%} of the lines of {name}")
        if any("alert" in HEADERS[body].groups for body in sample.format.bodies if body in HEADERS):
            marked.append(name)
    notes = [f"The format '{settings.format}' fits {_listed(odd)}."] if odd else []
    if marked and not settings.labels and settings.use_labels:
        notes.append(
            f"The first column of {_listed(marked)} marks alerts; it is taken as the label of each line "
            "(--no-labels ignores it)."
        )
    return notes


def _listed(things: list[str]) -> str:
    more = f" and {len(things) - 3} more" if len(things) > 3 else ""
    return ", ".join(things[:3]) + more


def _stored(folder: Path) -> InputSettings | None:
    """How the input was read from which a folder was prepared."""
    try:
        manifest = json.loads((folder / PREPARED).read_text())
        values = dict(manifest["settings"]["input"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    known = {name: value for name, value in values.items() if name in InputSettings.model_fields}
    return validated(InputSettings, known)


def _name(kind: type[Source]) -> str:
    return kind.__module__.rpartition(".")[2]
