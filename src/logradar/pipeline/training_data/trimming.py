"""Trim: the normal sessions least like the others are not learnt from, for they may not be normal at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from logradar.core.errors import DataError
from logradar.core.progress import say
from logradar.core.sequences import Sequences
from logradar.core.shards import Shards
from logradar.core.tables import SESSIONS
from logradar.detectors.base import Incremental
from logradar.detectors.fusion.outlier_trimming import most_unusual
from logradar.model.settings import SIMPLE, RunSettings
from logradar.storage import grouping as on_disk
from logradar.storage.shards_writer import CODEC


def require_memory(records: int, settings: RunSettings) -> None:
    """`DataError` where sessions are to be compared with each other that are too many for that."""
    if settings.split.trim and records > on_disk.IN_MEMORY:
        raise DataError(
            f"split.trim compares all normal sessions with each other, in memory, up to {on_disk.IN_MEMORY:,} records; "
            f"the input has {records:,}. Choose part of it (--since, --until, --limit-files) or leave split.trim out."
        )


def kept(normal: Sequences, settings: RunSettings) -> npt.NDArray[np.bool_]:
    """Which of the ``normal`` sessions are learnt from: all but those least like the others (``split.trim``).

    Sessions with equal sequences are kept or left out together, so that it may be fewer.
    """
    share = settings.split.trim
    if not share:
        return np.ones(len(normal), bool)
    out = most_unusual(normal, share, [cast(Incremental, settings.make(name)) for name in SIMPLE])
    if out.any():
        say(
            f"Left out of training and threshold: {out.sum():,} of {len(normal):,} normal sessions, those least like "
            "the others (split.trim). `logradar detect` on this input shows those that raise an alert, with reasons."
        )
    else:
        say(
            f"split.trim={share:g} leaves nothing out: the least common sequence alone is more than that share of "
            f"{len(normal):,} sessions."
        )
    return ~out


def trimmed(learn: Shards, watch: Shards, settings: RunSettings, columns: Sequence[str]) -> tuple[Shards, Shards, int]:
    """What is kept of normal SESSIONS on disk, of training and of validation, and how many are not.

    They are written anew, beside their first file, with the ``columns`` that they have.
    """
    both = Sequences.from_lists([]).concat(*learn.sequences(), *watch.sequences())
    stay = kept(both, settings)
    if stay.all():
        return learn, watch, 0
    home = learn.files[0].parent
    early = _written(learn, stay[: len(learn)], home / "trimmed-train.parquet", columns)
    late = _written(watch, stay[len(learn) :], home / "trimmed-valid.parquet", columns)
    return early, late, int((~stay).sum())


def _written(part: Shards, stay: npt.NDArray[np.bool_], path: Path, columns: Sequence[str]) -> Shards:
    done = 0
    with pq.ParquetWriter(path, pa.schema([SESSIONS.field(name) for name in columns]), **CODEC) as file:
        for table in part.tables(list(columns)):
            file.write_table(table.filter(pa.array(stay[done : done + len(table)])))
            done += len(table)
    return Shards.of([path])
