"""Splits: divide sessions, or whole files, into training, validation and test parts by time.

A random split lets a detector see the future: on HDFS it puts the exact sequence of 74 % of
the test anomalies into training. So the parts are divided by time, and a session or a log record that
belongs to two parts is an error.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from logradar.core.config import Config
from logradar.core.errors import DataError, InputError
from logradar.core.progress import say
from logradar.core.sequences import Ints, Sequences

PARTS: Final = ("train", "valid", "test")
LISTS: Final = "split.json"
LEAKAGE: Final = (
    "The files of each part are drawn at random (split.shuffle): the measured figures are better than in practice, "
    "because training saw days that come after those of the test."
)


class SplitSettings(Config):
    """Where sessions are divided, in order of time; sessions that are not held back are used for training."""

    by: Literal["sessions", "files"] = Field(
        default="sessions", description="what is divided: sessions by their start, or whole files by their date"
    )
    test: float = Field(default=0.0, ge=0, lt=1, description="share of the latest sessions, held back for a test")
    valid: float = Field(
        default=0.2, ge=0, lt=1, description="share of the remaining sessions, the latest, for the threshold"
    )
    shuffle: bool = Field(
        default=False, description="draw the parts at random instead of by time; leaks the future into training"
    )
    seed: int = Field(default=0, ge=0, description="for shuffle only")
    first: int | None = Field(
        default=None, ge=1, description="train on this many of the earliest sessions; all others are held back"
    )
    hold_anomalies: bool = Field(
        default=False, description="hold back all sessions labelled anomalous; test and first count the others only"
    )

    trim: Literal["auto"] | Annotated[float, Field(ge=0, le=0.2)] = Field(
        default="auto",
        description="share of the normal sessions, the most unusual ones (at most 0.2), that are used neither for "
        "training nor for thresholds; auto: none where there are labels, else those that are suspect; 0: none",
    )

    @model_validator(mode="after")
    def _of_sessions(self) -> SplitSettings:
        if self.by == "files" and (self.first is not None or self.hold_anomalies):
            raise ValueError("'first' and 'hold_anomalies' divide sessions, not files; set by=sessions")
        return self

    @property
    def shares(self) -> tuple[float, float, float]:
        """Shares of all sessions for training, validation and test; their sum is 1."""
        return (1 - self.test) * (1 - self.valid), (1 - self.test) * self.valid, self.test

    @property
    def holds(self) -> bool:
        """Whether sessions are held back for a test."""
        return self.test > 0 or self.first is not None or self.hold_anomalies

    def of_first(self) -> SplitSettings:
        """How the ``first`` sessions are divided into training and validation."""
        return self.model_copy(update={"first": None, "test": 0.0, "hold_anomalies": False})


@dataclass(frozen=True, eq=False)
class Parts:
    """Row numbers of the sessions of each part, in order of time; no row is in two parts."""

    train: Ints
    valid: Ints
    test: Ints

    def __post_init__(self) -> None:
        rows = np.concatenate([self.train, self.valid, self.test])
        twice = len(rows) - len(np.unique(rows))
        if twice:
            raise DataError(f"{twice} sessions are in more than one part of the split; each may be in one part only.")

    def facts(self, sessions: pa.Table) -> dict[str, Any]:
        """The split in figures: sessions per part and when each part began and ended (ISO 8601, UTC, or None)."""
        facts: dict[str, Any] = {name: len(getattr(self, name)) for name in PARTS}
        for name in ("train", "test"):
            starts = sessions["start"].take(pa.array(getattr(self, name)))
            facts |= {f"{name}_from": iso(pc.min(starts)), f"{name}_until": iso(pc.max(starts))}
        return facts


@dataclass(frozen=True)
class FileParts:
    """The files of each part, in order of their dates; no file is in two parts.

    ``note`` is a sentence on what a measurement on this split cannot show ('' for none).
    """

    train: tuple[str, ...]
    valid: tuple[str, ...]
    test: tuple[str, ...]
    note: str = ""

    def __post_init__(self) -> None:
        times = Counter([*self.train, *self.valid, *self.test])
        for file, count in times.items():
            if count > 1:
                raise DataError(f"'{file}' is {count} times in the split; each file may be in one part only.")

    def part_of(self, file: str) -> str | None:
        """The name of the part that a file is in; None for a file that is in none."""
        return next((name for name in PARTS if file in getattr(self, name)), None)

    def facts(self) -> dict[str, Any]:
        """The split in figures: files per part, and the note if there is one."""
        facts: dict[str, Any] = {"by": "files", "files": {name: len(getattr(self, name)) for name in PARTS}}
        return facts | ({"note": self.note} if self.note else {})


def iso(moment: pa.Scalar) -> str | None:
    """A timestamp as ISO 8601 text in UTC; None for an unknown one."""
    return moment.as_py().isoformat() if moment.is_valid else None


def chronological(
    sessions: pa.Table | tuple[npt.ArrayLike | pa.Array | pa.ChunkedArray, npt.ArrayLike],
    settings: SplitSettings | None = None,
) -> Parts:
    """Divide sessions into parts by start time; sessions with equal times by their first record.

    ``sessions`` is a SESSIONS table, or ``(start, first_record_id)`` with one entry per session. A
    session without a start keeps its place in record order, between its neighbours. A part with a
    share gets at least one session. ``hold_anomalies`` needs a table, for its labels. Raises
    `DataError` when there are too few sessions, and, for a table, when a log record or a session
    id is in two parts.
    """
    settings = settings or SplitSettings()
    if isinstance(sessions, pa.Table):
        order = _order(_microseconds(sessions["start"]), _first_records(sessions))
    else:
        order = _order(_microseconds(sessions[0]), np.asarray(sessions[1], np.int64))
    if settings.shuffle:
        order = np.random.default_rng(settings.seed).permutation(order)
    held = np.zeros(len(order), bool)
    if settings.hold_anomalies and isinstance(sessions, pa.Table):
        held = sessions["label"].combine_chunks().fill_null(False).to_numpy(zero_copy_only=False)
    available = order[~held[order]]
    train, valid, _ = (
        _cut(available, settings) if settings.first is None else _cut(available[: settings.first], settings.of_first())
    )
    learnt = np.zeros(len(order), bool)
    learnt[train] = learnt[valid] = True
    parts = Parts(train, valid, order[~learnt[order]])
    if isinstance(sessions, pa.Table):
        _require_disjoint(sessions, parts)
    return parts


def by_file(files: Sequence[str], sizes: npt.ArrayLike, settings: SplitSettings | None = None) -> FileParts:
    """Divide ``files``, given in order of their dates, into parts of whole files.

    ``sizes`` are their numbers of sessions (or bytes): the shares are shares of their sum, as near as whole files
    allow. A part with a share gets at least one file. With ``shuffle`` the files of each part are drawn by
    ``seed``, independent of the order of ``files``; a message and the note warn of the leakage. Raises
    `DataError` for too few files, and for a file that is given twice.

    >>> by_file(["mon", "tue", "wed", "thu", "fri"], [10, 10, 10, 10, 10]).valid
    ('fri',)
    """
    settings = settings or SplitSettings()
    weights = np.asarray(sizes, np.float64)
    if len(weights) != len(files):
        raise DataError(f"There are {len(weights)} sizes for {len(files)} files; give one per file.")
    shares = np.array(settings.shares)
    needed = int((shares > 0).sum())
    if len(files) < needed:
        count = "1 file is" if len(files) == 1 else f"{len(files)} files are"
        raise DataError(f"{count} too few to be split into {needed} parts; give more files or set split.by=sessions.")
    order = np.arange(len(files))
    if settings.shuffle:
        by_name = np.argsort(np.array(files), kind="stable")
        order = by_name[np.random.default_rng(settings.seed).permutation(len(files))]
        say(LEAKAGE)
    bounds = _file_bounds(weights[order], shares)
    train, valid, test = (tuple(files[row] for row in np.sort(order[start:end])) for start, end in pairwise(bounds))
    return FileParts(train, valid, test, LEAKAGE if settings.shuffle else "")


def write_lists(folder: Path, parts: FileParts) -> Path:
    """Write ``split.json`` to ``folder``: the names of the files of each part."""
    path = folder / LISTS
    lists = {name: list(getattr(parts, name)) for name in PARTS}
    path.write_text(json.dumps(lists | ({"note": parts.note} if parts.note else {}), indent=1) + "\n")
    return path


def read_lists(folder: Path) -> FileParts:
    """The split that `write_lists` wrote to ``folder`` (or to that file); `InputError` where there is none."""
    path = folder / LISTS if folder.is_dir() else folder
    try:
        lists = json.loads(path.read_text())
    except OSError as error:
        raise InputError(f"The split '{path}' cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError):
        lists = None
    if (
        not isinstance(lists, dict)
        or not set(lists) <= {*PARTS, "note"}
        or not all(
            isinstance(lists.get(name), list) and all(isinstance(file, str) for file in lists[name]) for name in PARTS
        )
    ):
        raise InputError(f"'{path}' is not a split; it needs the lists train, valid and test of file names.")
    train, valid, test = (tuple(lists[name]) for name in PARTS)
    return FileParts(train, valid, test, str(lists.get("note", "")))


def _file_bounds(weights: npt.NDArray[np.float64], shares: npt.NDArray[np.float64]) -> list[int]:
    """The bounds of the parts in a list of files, from 0 to all files: as near to the shares as possible."""
    sums = np.concatenate([[0.0], np.cumsum(weights)])
    bounds = [0]
    for place, share in enumerate(shares[:-1]):
        parts_left = int((shares[place + 1 :] > 0).sum())
        least, most = bounds[-1] + int(share > 0), len(weights) - parts_left
        if share <= 0:
            most = least
        elif not parts_left:
            least = most
        target = shares[: place + 1].sum() * sums[-1]
        bounds.append(least + int(np.abs(sums[least : most + 1] - target).argmin()))
    return [*bounds, len(weights)]


def _microseconds(starts: npt.ArrayLike | pa.Array | pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """Start times in microseconds, NaN where unknown; exact to the microsecond until the year 2255."""
    if isinstance(starts, (pa.Array, pa.ChunkedArray)):
        if pa.types.is_timestamp(starts.type):
            starts = starts.cast(pa.timestamp("us", starts.type.tz)).cast(pa.int64())
        known: npt.NDArray[np.float64] = starts.cast(pa.float64(), safe=False).to_numpy()
        return known
    numbers = np.asarray(starts)
    if numbers.dtype.kind == "M":
        return np.where(np.isnat(numbers), np.nan, numbers.astype("M8[us]").astype(np.int64))
    return numbers.astype(np.float64)


def _first_records(sessions: pa.Table) -> Ints:
    records = Sequences.from_arrow(sessions["record_ids"])
    first = np.full(len(records), -1, np.int64)
    filled = records.lengths > 0
    first[filled] = records.values[records.offsets[:-1][filled]]
    return first


def _order(starts: npt.NDArray[np.float64], first: Ints) -> Ints:
    if len(starts) != len(first):
        raise DataError(f"There are {len(starts)} start times for {len(first)} first records; give one per session.")
    by_record = np.argsort(first, kind="stable")
    known = starts[by_record]
    # An unknown start gets that of the session before it in record order, the first ones get the first known start.
    last = np.maximum.accumulate(np.where(np.isnan(known), -1, np.arange(len(known))))
    filled = known[np.maximum(last, 0)]
    if (last < 0).any() and not np.isnan(known).all():
        filled[last < 0] = known[~np.isnan(known)][0]
    return by_record[np.argsort(filled, kind="stable")]


def part_sizes(count: int, settings: SplitSettings) -> list[int]:
    """How many of ``count`` sessions, in order of time, go to training, validation and test.

    A part with a share gets at least one session. Raises `DataError` when there are too few for that.
    """
    shares = np.array(settings.shares)
    wanted = int((shares > 0).sum())
    if count < wanted:
        many = "1 session is" if count == 1 else f"{count} sessions are"
        raise DataError(f"{many} too few to be split into {wanted} parts; give more log data or shorter windows.")
    ends = np.round(np.cumsum(shares) * count).astype(np.int64)
    ends[-1] = count
    sizes = np.diff(ends, prepend=0)
    while (short := np.flatnonzero((sizes < 1) & (shares > 0))).size:
        sizes[short[0]] += 1
        sizes[sizes.argmax()] -= 1
    return [int(size) for size in sizes]


def _cut(order: Ints, settings: SplitSettings) -> list[Ints]:
    return np.split(order, np.cumsum(part_sizes(len(order), settings))[:-1])


def _require_disjoint(sessions: pa.Table, parts: Parts) -> None:
    records = Sequences.from_arrow(sessions["record_ids"])
    part = np.zeros(len(sessions), np.int8)
    part[parts.valid], part[parts.test] = 1, 2
    shared = _shared(records.values, part[records.rows])
    if shared:
        raise DataError(
            f"{shared} log records are in sessions of two parts of the split; use windows that do not overlap."
        )
    names = sessions["session_id"].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    starts = _microseconds(sessions["start"])  # a key that comes again after a pause is another session
    _, codes = np.unique(
        np.stack([names, np.nan_to_num(starts, nan=-1.0).astype(np.int64)]), axis=1, return_inverse=True
    )
    if shared := _shared(codes.reshape(-1), part):
        raise DataError(f"{shared} session ids stand in two parts of the split; each session needs an id of its own.")


def _shared(items: npt.NDArray[np.integer[Any]], part: npt.NDArray[np.int8]) -> int:
    """How many items occur in more than one part."""
    pairs = np.unique(items.astype(np.int64) * 3 + part)
    return int(len(pairs) - len(np.unique(pairs // 3)))
