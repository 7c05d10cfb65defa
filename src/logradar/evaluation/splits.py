"""Splits: sessions, or whole files, cut into training, validation and test parts by time.

A random split lets a detector see the future: on HDFS it puts the exact sequence of 74 % of
the test anomalies into training. So the cut is by time, and a session or a log record that
stands on both sides of it is an error.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal

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
    "The files of each part are drawn at random (split.shuffle): what is measured is milder than reality, because "
    "training saw days that come after those measured on."
)


class SplitSettings(Config):
    """Where sessions are cut, in order of time; what is not held back is learnt from."""

    by: Literal["sessions", "files"] = Field(
        default="sessions", description="what is cut: all sessions by their start, or files, each whole, by their date"
    )
    test: float = Field(default=0.0, ge=0, lt=1, description="share of the latest sessions, held back to measure on")
    valid: float = Field(default=0.2, ge=0, lt=1, description="share of the rest, its latest, for the threshold")
    shuffle: bool = Field(
        default=False, description="drawn at random instead of by time; leaks the future into training"
    )
    seed: int = Field(default=0, ge=0, description="for shuffle only")
    first: int | None = Field(
        default=None, ge=1, description="so many of the earliest sessions are learnt from, instead of what test leaves"
    )
    hold_anomalies: bool = Field(
        default=False, description="sessions labelled anomalous are all held back; test and first count the others only"
    )

    trim: float = Field(
        default=0.0,
        ge=0,
        le=0.2,
        description="share of the normal sessions, the oddest (0.2 at most), that nobody learns from and no threshold "
        "counts; for logs that hold anomalies without a label",
    )

    @model_validator(mode="after")
    def _of_sessions(self) -> SplitSettings:
        if self.by == "files" and (self.first is not None or self.hold_anomalies):
            raise ValueError("'first' and 'hold_anomalies' cut sessions, not files; set by=sessions")
        return self

    @property
    def shares(self) -> tuple[float, float, float]:
        """Shares of all sessions for training, validation and test; they make up 1."""
        return (1 - self.test) * (1 - self.valid), (1 - self.test) * self.valid, self.test

    @property
    def holds(self) -> bool:
        """Whether something is held back to measure on."""
        return self.test > 0 or self.first is not None or self.hold_anomalies

    def of_first(self) -> SplitSettings:
        """How the ``first`` sessions are cut into training and validation."""
        return self.model_copy(update={"first": None, "test": 0.0, "hold_anomalies": False})


@dataclass(frozen=True, eq=False)
class Parts:
    """Row numbers of the sessions of each part, in order of time; no row is in two parts."""

    train: Ints
    valid: Ints
    test: Ints

    def __post_init__(self) -> None:
        every = np.concatenate([self.train, self.valid, self.test])
        twice = len(every) - len(np.unique(every))
        if twice:
            raise DataError(f"{twice} sessions stand in more than one part of the split; each may stand in one only.")

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

    ``note`` says what a measurement on this split cannot show ('' where there is nothing to say).
    """

    train: tuple[str, ...]
    valid: tuple[str, ...]
    test: tuple[str, ...]
    note: str = ""

    def __post_init__(self) -> None:
        times = Counter([*self.train, *self.valid, *self.test])
        for file, count in times.items():
            if count > 1:
                raise DataError(f"'{file}' stands {count} times in the split; each file may stand in one part only.")

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
    """Cut sessions into parts by start time; equal times by first record.

    ``sessions`` is a SESSIONS table, or ``(start, first_record_id)`` with one entry per session. A
    session without a start keeps its place in record order, between its neighbours. A part with a
    share gets at least one session. With ``hold_anomalies`` the labels of a table count too. Raises
    `DataError` when there are too few sessions for that, and, for a table, when a log record or a session
    id stands in two parts.
    """
    settings = settings or SplitSettings()
    if isinstance(sessions, pa.Table):
        order = _order(_microseconds(sessions["start"]), _first_records(sessions))
    else:
        order = _order(_microseconds(sessions[0]), np.asarray(sessions[1], np.int64))
    if settings.shuffle:
        order = np.random.default_rng(settings.seed).permutation(order)
    odd = np.zeros(len(order), bool)
    if settings.hold_anomalies and isinstance(sessions, pa.Table):
        odd = sessions["label"].combine_chunks().fill_null(False).to_numpy(zero_copy_only=False)
    plain = order[~odd[order]]
    train, valid, _ = (
        _cut(plain, settings) if settings.first is None else _cut(plain[: settings.first], settings.of_first())
    )
    before = np.zeros(len(order), bool)
    before[train] = before[valid] = True
    parts = Parts(train, valid, order[~before[order]])
    if isinstance(sessions, pa.Table):
        _disjoint(sessions, parts)
    return parts


def by_file(files: Sequence[str], sizes: npt.ArrayLike, settings: SplitSettings | None = None) -> FileParts:
    """Cut ``files``, given in order of their dates, into parts of whole files.

    ``sizes`` are their sessions (or bytes): shares are of their sum, as near as whole files allow, and a
    part with a share gets at least one file. With ``shuffle`` the files of each part are drawn by
    ``seed``, whatever the order of ``files``; the leakage that this means is said and noted. Raises
    `DataError` for too few files, and for one that stands there twice.

    >>> by_file(["mon", "tue", "wed", "thu", "fri"], [10, 10, 10, 10, 10]).valid
    ('fri',)
    """
    settings = settings or SplitSettings()
    weights = np.asarray(sizes, np.float64)
    if len(weights) != len(files):
        raise DataError(f"There are {len(weights)} sizes for {len(files)} files; give one per file.")
    shares = np.array(settings.shares)
    wanted = int((shares > 0).sum())
    if len(files) < wanted:
        count = "1 file is" if len(files) == 1 else f"{len(files)} files are"
        raise DataError(f"{count} too few to be split into {wanted} parts; give more files or set split.by=sessions.")
    order = np.arange(len(files))
    if settings.shuffle:
        by_name = np.argsort(np.array(files), kind="stable")
        order = by_name[np.random.default_rng(settings.seed).permutation(len(files))]
        say(LEAKAGE)
    bounds = _whole(weights[order], shares)
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
    except ValueError:
        lists = None
    if (
        not isinstance(lists, dict)
        or not set(lists) <= {*PARTS, "note"}
        or not all(
            isinstance(lists.get(name), list) and all(isinstance(file, str) for file in lists[name]) for name in PARTS
        )
    ):
        raise InputError(f"'{path}' is no split; it needs the lists train, valid and test of file names.")
    train, valid, test = (tuple(lists[name]) for name in PARTS)
    return FileParts(train, valid, test, str(lists.get("note", "")))


def _whole(weights: npt.NDArray[np.float64], shares: npt.NDArray[np.float64]) -> list[int]:
    """How many files are before each cut, 0 and all of them included: the nearest to the shares."""
    behind = np.concatenate([[0.0], np.cumsum(weights)])
    bounds = [0]
    for place, share in enumerate(shares[:-1]):
        still = int((shares[place + 1 :] > 0).sum())
        least, most = bounds[-1] + int(share > 0), len(weights) - still
        if share <= 0:
            most = least
        elif not still:
            least = most
        aim = shares[: place + 1].sum() * behind[-1]
        bounds.append(least + int(np.abs(behind[least : most + 1] - aim).argmin()))
    return [*bounds, len(weights)]


def _microseconds(starts: npt.ArrayLike | pa.Array | pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """Start times as numbers, NaN where unknown; exact to the microsecond until the year 2255."""
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
    # An unknown start takes that of the session before it in record order, the first ones that of the first known.
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


def _disjoint(sessions: pa.Table, parts: Parts) -> None:
    seen = Sequences.from_arrow(sessions["record_ids"])
    part = np.zeros(len(sessions), np.int8)
    part[parts.valid], part[parts.test] = 1, 2
    shared = _shared(seen.values, part[seen.rows])
    if shared:
        raise DataError(
            f"{shared} log records stand in sessions of two parts of the split; use windows that do not overlap."
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
