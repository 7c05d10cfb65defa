"""Trim: sessions that may not be normal are not learnt from: those that are suspect, or a share that was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

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
from logradar.detectors.fusion import suspects as rules
from logradar.detectors.fusion.outlier_trimming import most_unusual
from logradar.detectors.fusion.suspects import Suspects, suspects
from logradar.model.settings import SIMPLE, RunSettings
from logradar.parsing.sessions import SessionSettings
from logradar.storage import grouping as on_disk
from logradar.storage.shards_writer import CODEC

_TIMES: Final = 20  # distinct starts of sessions below which their order in time says nothing
LOSS: Final = "with 4 % of anomalies learnt, F1 on HDFS falls from 0.940 to 0.030"  # docs/how-to-contaminated.md


@dataclass(frozen=True, eq=False)
class Kept:
    """Which sessions ``stay``; ``judged`` is what was found where nobody labelled them, ``unjudged`` why it was not."""

    stay: npt.NDArray[np.bool_]
    judged: Suspects | None = None
    unjudged: str = ""

    def facts(self) -> dict[str, Any]:
        """What a bundle says of it."""
        facts: dict[str, Any] = {"trimmed": int((~self.stay).sum())}
        if self.judged is not None or self.unjudged:
            facts["unlabelled"] = {"rules": list(self.judged.rules) if self.judged else [], "unjudged": self.unjudged}
        return facts


def require_memory(records: int, settings: RunSettings) -> None:
    """`DataError` where sessions are to be compared with each other that are too many for that."""
    if settings.split.trim not in ("auto", 0) and records > on_disk.IN_MEMORY:
        raise DataError(
            f"split.trim compares all normal sessions with each other, in memory, up to {on_disk.IN_MEMORY:,} records; "
            f"the input has {records:,}. Choose part of it (--since, --until, --limit-files) or leave split.trim out."
        )


def labelled(*parts: Any) -> bool:
    """Whether any of SESSIONS has a label."""
    return any(table["label"].null_count < len(table) for part in parts for table in part.tables(["label"]))


def unjudged(sessions: SessionSettings) -> str:
    """Why sessions of this kind cannot be compared with each other; empty where they can."""
    return "" if sessions.by == "key" else "windows of lines have no session key, and hardly two of them are alike"


def timed(starts: pa.Array | pa.ChunkedArray) -> bool:
    """Whether the order of sessions with these starts says something of time."""
    return not starts.null_count and len(starts.slice(0, 100_000).unique()) >= _TIMES


def kept(normal: Sequences, settings: RunSettings, *, labels: bool, in_time: bool, unjudged: str = "") -> Kept:
    """Which of the ``normal`` sessions are learnt from (``split.trim``).

    Without ``labels``, and unless a share was asked for, those that are suspect are left out; ``unjudged`` says why
    they cannot be judged. ``in_time``: they are in order of time. Sessions with equal sequences are kept or left out
    together, so that it may be fewer than the share.
    """
    share = settings.split.trim
    every = np.ones(len(normal), bool)
    if share == "auto":
        if labels:
            return Kept(every)
        if not unjudged and len(normal) < rules.LEAST:
            unjudged = f"{len(normal):,} sessions are too few"
        if unjudged:
            return _unjudged(every, unjudged)
        judged = suspects(normal, in_time)
        if not judged.rules:
            return _unjudged(every, "hardly two sessions are alike, and their times do not help")
        _say_suspects(judged, normal)
        return Kept(~judged.mask, judged)
    if not share:
        return Kept(every)
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
    return Kept(~out)


def _unjudged(every: npt.NDArray[np.bool_], why: str) -> Kept:
    say(
        f"No session has a label, and anomalies among them could not be looked for: {why}. What went wrong in this log "
        f"is learnt as normal, and its like will raise no alert ({LOSS}). Train on a good time, or give --labels."
    )
    return Kept(every, unjudged=why)


def _say_suspects(judged: Suspects, normal: Sequences) -> None:
    count = int(judged.mask.sum())
    if not count:
        say(f"No session has a label; none of {len(normal):,} looks like an anomaly, so all of them are learnt.")
        return
    kinds = len(normal.take(np.flatnonzero(judged.mask)).distinct())
    say(
        f"No session has a label. {count:,} of {len(normal):,} ({count / len(normal):.1%}, {kinds:,} different "
        "sequences) are taken for anomalous and not learnt; split.trim=0 learns everything."
    )


def trimmed(
    learn: Shards, watch: Shards, settings: RunSettings, columns: Sequence[str], unjudged: str = ""
) -> tuple[Shards, Shards, Kept]:
    """What is kept of normal SESSIONS on disk, of training and of validation.

    They are written anew, beside their first file, with the ``columns`` that they have.
    """
    auto = settings.split.trim == "auto"
    if settings.split.trim == 0 or (auto and labelled(learn, watch)):
        return learn, watch, Kept(np.ones(len(learn) + len(watch), bool))
    if auto and unjudged:
        return learn, watch, _unjudged(np.ones(len(learn) + len(watch), bool), unjudged)
    both = Sequences.from_lists([]).concat(*learn.sequences(), *watch.sequences())
    starts = pa.chunked_array(
        [chunk for part in (learn, watch) for table in part.tables(["start"]) for chunk in table["start"].chunks],
        SESSIONS.field("start").type,
    )
    found = kept(both, settings, labels=False, in_time=timed(starts))
    if found.stay.all():
        return learn, watch, found
    home = learn.files[0].parent
    early = _written(learn, found.stay[: len(learn)], home / "trimmed-train.parquet", columns)
    late = _written(watch, found.stay[len(learn) :], home / "trimmed-valid.parquet", columns)
    return early, late, found


def _written(part: Shards, stay: npt.NDArray[np.bool_], path: Path, columns: Sequence[str]) -> Shards:
    done = 0
    with pq.ParquetWriter(path, pa.schema([SESSIONS.field(name) for name in columns]), **CODEC) as file:
        for table in part.tables(list(columns)):
            file.write_table(table.filter(pa.array(stay[done : done + len(table)])))
            done += len(table)
    return Shards.of([path])
