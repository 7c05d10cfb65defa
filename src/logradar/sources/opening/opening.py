"""Opens an input of any kind: detects how to read it and returns batches of LOG_RECORDS."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
from pydantic import Field

from logradar.core.config import Config, validated
from logradar.core.errors import InputError
from logradar.core.filenames import readable
from logradar.core.progress import Progress
from logradar.core.quarantine import Quarantine
from logradar.core.tables import LOG_RECORDS, check
from logradar.sources.base import Dataset, Hints, ReadLimits, SessionSource, Source
from logradar.sources.decoding.layouts import Order
from logradar.sources.opening import notes, session_keys
from logradar.sources.opening.dating import modified, order_of_all
from logradar.sources.opening.files import PREPARED, InputFiles, find
from logradar.sources.opening.foreign import without_foreign
from logradar.sources.opening.formats import SEEN
from logradar.sources.opening.labels import Labels, labels_for, unlabelled
from logradar.sources.opening.recognising import SAMPLED_LINES, Part, Sample, recognise, samples, service_names
from logradar.sources.opening.remarks import Remarks
from logradar.sources.opening.selection import select
from logradar.sources.radar.dated import DATED_SESSIONS

UNIT: Final = 32 << 20  # bytes of small files that are read together


class InputSettings(Config):
    """How an input is read; settings without a value are determined from the input."""

    path: str | None = Field(default=None, description="the INPUT, where the command line names none")
    source: str | None = Field(default=None, description="the kind of log; `logradar sources` lists them")
    usual_source: str | None = Field(
        default=None, description="the source of ordinary lines, as a bundle remembers it from training"
    )
    format: str | None = Field(default=None, description="the format of its lines, such as syslog, json or cri+logback")
    session_key: str | None = Field(default=None, description="regex of the session key; '' for windows instead")
    date_order: Order | None = Field(
        default=None,
        description="what dates such as 03/05/2024 begin with: day, month or year; a 13th in a file prevails",
    )
    labels: Path | None = Field(default=None, description="CSV of session key and label")
    use_labels: bool = Field(
        default=True, description="whether labels are taken that stand in the input or in a file beside it"
    )
    data_dir: Path | None = Field(default=None, description="where named data sets are")
    window: int | None = Field(
        default=None,
        ge=1,
        le=10**9,
        description="lines per window, for data sets read in windows (bgl, iotdb)",
    )
    limit_files: int | None = Field(default=None, ge=0, description="number of files, the newest; 0 for all")
    since: date | None = Field(default=None, description="only files of this day and later, as 2024-05-01")
    until: date | None = Field(default=None, description="only files of this day and earlier")
    limits: ReadLimits = Field(default=ReadLimits(), description="how much is read at once")

    def for_others(self) -> InputSettings:
        """These settings without what belongs to one input alone: its labels, place and choice of files."""
        own = dict.fromkeys(("path", "labels", "data_dir", "limit_files", "since", "until"))
        return self.model_copy(update={**own, "use_labels": True})


@dataclass(frozen=True)
class Unit:
    """Files of one kind that are read together; a run that was interrupted goes on with the next unit."""

    kind: type[Source]
    files: tuple[Path, ...]
    size: int  # bytes on disk


@dataclass
class Opened:
    """An input that was recognised and can be read; a context manager that deletes its temporary files.

    ``settings`` are complete, so that other inputs can be read in the same way. ``notes`` are sentences for
    people, ``remarks`` those of them on doubtful records, ``kinds`` are kinds of fault by session key.
    """

    source: str
    settings: InputSettings
    notes: list[str]
    quarantine: Quarantine
    dataset: Dataset | None
    _spec: str
    _requested: InputSettings
    _inputs: InputFiles
    _parts: list[Part]
    _keys: dict[type[Source], str | None]
    _services: dict[Path, str]
    _labels: Labels | None
    remarks: list[str] = field(default_factory=list)
    _begun: bool = field(default=False, init=False)
    _remarked: bool = field(default=False, init=False)
    _fault_kinds: dict[str, str] = field(default_factory=dict, init=False)
    _counted: Remarks = field(default_factory=Remarks, init=False)

    @property
    def files(self) -> list[Path]:
        """The files in the order in which they are read."""
        return [file for part in self._parts for file in part.files]

    @property
    def has_sessions(self) -> bool:
        """Whether all files contain whole sessions of event ids."""
        return all(issubclass(part.kind, SessionSource) for part in self._parts)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self._inputs.size

    @property
    def prepared(self) -> Path | None:
        """The folder that `logradar prepare` wrote, if the input is one."""
        return self._inputs.prepared

    @property
    def labels(self) -> Labels | None:
        """The labels that are joined with the records."""
        return self._labels

    @property
    def spec(self) -> str:
        """The INPUT as the user gave it."""
        return self._spec

    @property
    def requested(self) -> InputSettings:
        """The settings as the user gave them, with the choice of files."""
        return self._requested

    def name(self, file: Path) -> str:
        """The name of a file in the column ``source``."""
        return self._inputs.names.get(file, readable(str(file)))

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of fault of those sessions whose label names one; complete when all is read."""
        return self._labels.kinds if self._labels else self._fault_kinds if self._requested.use_labels else {}

    def batches(self, title: str | None = "reading") -> Iterator[pa.Table]:
        """LOG_RECORDS in batches of bounded size; ``title`` is that of the progress bar, None shows no bar.

        It can be called again; bad input is counted only the first time. Raises `InputError` if there is no
        record, `DataError` if the labels match no session.
        """
        quarantine = Quarantine() if self._begun else self.quarantine
        self._begun = True
        if title is None:
            yield from self._read(quarantine, lambda count: None)
            return
        with Progress(title, self._inputs.size, "B") as bar:
            yield from self._read(quarantine, bar.advance)

    def _read(self, quarantine: Quarantine, on_progress: Callable[[int], object]) -> Iterator[pa.Table]:
        record_id = 0
        for unit in self.units():
            for table in self.records(unit, record_id, quarantine, on_progress):
                record_id += table.num_rows
                yield table
        self.require_records(record_id, quarantine)

    def units(self) -> list[Unit]:
        """The files in order; small files of one kind are read together, up to about `UNIT` bytes."""
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
        self, unit: Unit, record_id: int, quarantine: Quarantine, on_progress: Callable[[int], object]
    ) -> Iterator[pa.Table]:
        """LOG_RECORDS of one unit with their labels; record ids count from ``record_id``."""
        for table in unit.kind().read(unit.files, self._hints(unit, on_progress), quarantine):
            if record_id:
                ids = pa.array(np.arange(record_id, record_id + table.num_rows))
                table = table.set_column(0, LOG_RECORDS.field("record_id"), ids)
            record_id += table.num_rows
            if unit.kind.discovers_key and not self._remarked:
                self._counted.add(table)
            yield check(self._labelled(table), LOG_RECORDS)

    def sessions(self, unit: Unit, quarantine: Quarantine, on_progress: Callable[[int], object]) -> Iterator[pa.Table]:
        """DATED_SESSIONS of one unit with their labels, if the input ``has_sessions``."""
        assert issubclass(unit.kind, SessionSource)
        for table in unit.kind().sessions(unit.files, self._hints(unit, on_progress), quarantine):
            yield check(self._labelled(table), DATED_SESSIONS)

    def _labelled(self, table: pa.Table) -> pa.Table:
        return self._labels.join(table) if self._labels else table if self._requested.use_labels else unlabelled(table)

    def _hints(self, unit: Unit, on_progress: Callable[[int], object]) -> Hints:
        return Hints(
            self._keys[unit.kind], self._requested.format, self._inputs.names, self._services, self._requested.limits,
            on_progress, self._requested.window, self.settings.date_order,
            self._fault_kinds.update,
        )  # fmt: skip

    def read_elsewhere(self, remarks: Iterable[Mapping[str, Any]], kinds: Mapping[str, str]) -> None:
        """Take over what another process counted (`Remarks.rows`) and which kinds of fault it met."""
        self._counted.merge(remarks)
        self._fault_kinds.update(kinds)

    @property
    def counted(self) -> Remarks:
        """What was counted of the records that were read, by which doubtful ones are remarked on."""
        return self._counted

    def require_records(self, records: int, quarantine: Quarantine, labelled: bool = False) -> None:
        """Raise `InputError` if no record was read, `DataError` if the labels that the user gave match no session.

        ``labelled`` says that labels have matched in an earlier run. Labels that were found in the folder of the
        input only add a note.
        """
        if not records:
            raise InputError(f"'{self._spec}' contains no log records. {quarantine.sentence()}".strip())
        if not self._remarked:
            self._remarked = True
            modified_at = {self.name(file): modified(file) for file in self.files if file.exists()}
            said = self._counted.sentences(modified_at)
            self.remarks += said
            self.notes += said
        if self._labels and not (labelled or self._labels.matched):
            if self._requested.labels:
                raise self._labels.unmatched()
            self.notes.append(str(self._labels.unmatched()))

    def close(self) -> None:
        """Delete the temporary files of this input (a copy of stdin)."""
        self._inputs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def require_event_ids(opened: Opened) -> Opened:
    """The input, if all of it has event ids of its own, as a bundle of day files needs; `InputError` if not."""
    if not opened.has_sessions:
        raise InputError(
            f"The bundle was trained on the event ids of day files; not all files of '{opened.spec}' have them. "
            "Give day files alone, or train on lines with events=mined."
        )
    return opened


def open_input(spec: str | Path, settings: InputSettings | None = None, quarantine_path: Path | None = None) -> Opened:
    """Find INPUT ``spec``, recognise what it is, and determine how to read it.

    Values that are not set in ``settings`` (source, format, session key, labels) are determined and returned in
    `Opened.settings`. Bad input is written to ``quarantine_path``. Raises `InputError` if the input cannot be found
    or read, `ConfigError` for a wrong regex, format or source.
    """
    settings = settings or InputSettings()
    if settings.session_key:
        session_keys.check_regex(settings.session_key)
    inputs = find(str(spec), settings.data_dir)
    try:
        return _open(str(spec), settings, inputs, Quarantine(quarantine_path))
    except BaseException:
        inputs.close()
        raise


def _open(spec: str, settings: InputSettings, inputs: InputFiles, quarantine: Quarantine) -> Opened:
    inputs, foreign = without_foreign(inputs, quarantine)
    inputs, selected = select(spec, inputs, settings.limit_files, settings.since, settings.until)
    stored = _stored(inputs.prepared) if inputs.prepared else None
    labels, about_labels = labels_for(settings.labels, inputs.labels, settings.use_labels)
    parts = recognise(spec, inputs, settings.source or inputs.source, quarantine, settings.usual_source)
    said = [note for note in (foreign, selected, about_labels) if note]
    said += notes.about_files(inputs) + notes.about_mixture(parts) + notes.about_days(parts)
    plain = [file for part in parts if part.kind.discovers_key for file in part.files]
    search = settings.session_key is None and any(p.kind.discovers_key and p.kind.session_key is None for p in parts)
    sampled = samples(plain, settings.format, SAMPLED_LINES if search else SEEN, settings.date_order)
    said += notes.about_formats(sampled, inputs, settings.format, settings.labels is None and settings.use_labels)
    order = settings.date_order or order_of_all(sample.format.dates for sample in sampled)
    open_dates = [] if order else [sample.date_doubt for sample in sampled if sample.date_doubt]
    doubts = list(dict.fromkeys([*open_dates, *(doubt for sample in sampled for doubt in sample.doubts)]))
    said += doubts
    keys, about_keys = _keys(parts, sampled, settings)
    said += about_keys
    kinds = {part.kind for part in parts}
    formats = {sample.format.name for sample in sampled}
    resolved = settings.model_copy(
        update={
            "source": _name(parts[0].kind) if len(kinds) == 1 else settings.source,
            "format": formats.pop() if len(formats) == 1 else settings.format,
            "date_order": order,
            "session_key": settings.session_key if settings.session_key is not None else _kept(parts, keys, stored),
        }
    )
    names = dict.fromkeys(_name(part.kind) for part in parts)
    return Opened(
        ", ".join(names), resolved, said, quarantine, inputs.dataset, spec, settings, inputs, parts, keys,
        service_names(plain), labels, doubts,
    )  # fmt: skip


def _keys(
    parts: list[Part], sampled: list[Sample], settings: InputSettings
) -> tuple[dict[type[Source], str | None], list[str]]:
    """The session key of each source, and notes about it."""
    given = settings.session_key
    if given is not None:
        return {part.kind: given or None for part in parts}, notes.about_key(given, sampled) if given else []
    keys = {part.kind: part.kind.session_key for part in parts}
    searched = [kind for kind, key in keys.items() if kind.discovers_key and key is None]
    if not searched:
        return keys, []
    of_these = {file for part in parts if part.kind in searched for file in part.files}
    key = session_keys.discover([sample.texts for sample in sampled if sample.file in of_these])
    if key is None:
        return keys, ["No field connects the lines, so windows are used; set one with --session-key REGEX."]
    return {**keys, **dict.fromkeys(searched, key.regex)}, [key.sentence()]


def _kept(parts: list[Part], keys: dict[type[Source], str | None], stored: InputSettings | None) -> str | None:
    """The session key to read other inputs with; '' if windows are used."""
    if stored:  # a prepared folder stores the keys; new logs are read as its logs were
        return stored.session_key
    used = [key for part in parts if (key := keys[part.kind])]
    if used:
        return used[0]
    return "" if any(part.kind.discovers_key for part in parts) else None


def _stored(folder: Path) -> InputSettings | None:
    """The settings with which the input of a prepared folder was read; None if they cannot be read."""
    try:
        manifest = json.loads((folder / PREPARED).read_text())
        values = dict(manifest["settings"]["input"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    known = {name: value for name, value in values.items() if name in InputSettings.model_fields}
    return validated(InputSettings, known)


def _name(kind: type[Source]) -> str:
    return kind.__module__.rpartition(".")[2]
