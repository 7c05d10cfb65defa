"""Candidates: bundles that are compared, each with its scores of the sessions that all of them have."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from logradar.core.errors import ConfigError, DataError
from logradar.core.progress import say
from logradar.core.sequences import Sequences
from logradar.model.bundle import Bundle, input_settings
from logradar.pipeline.detect import require_event_ids
from logradar.pipeline.evaluation_data import labelled, sessions_in, unseen
from logradar.storage.day_files import DayCorpus
from logradar.storage.records import Corpus, collect, opening

_WARM = 64  # sessions


@dataclass(frozen=True)
class Candidate:
    """One bundle on the input: SESSIONS as it sees them; by detector their SCORES, the threshold, the seconds."""

    name: str
    fitted: Bundle
    corpus: Corpus | DayCorpus
    sessions: pa.Table
    scores: dict[str, pa.Table]
    limits: dict[str, float]
    seconds: dict[str, float]

    @property
    def main(self) -> str:
        """The detector that raises alerts."""
        return self.fitted.settings.detector

    def at(self, rows: npt.NDArray[np.int64]) -> Candidate:
        """The same for some of the sessions, in that order."""
        taken = pa.array(rows)
        scores = {name: table.take(taken) for name, table in self.scores.items()}
        return replace(self, sessions=self.sessions.take(taken), scores=scores)


def candidates(
    bundles: Sequence[Path],
    spec: str,
    given: dict[str, Any] | None,
    stack: ExitStack,
    only: Sequence[str] = (),
    held_out: bool = False,
    allow_overlap: bool = False,
) -> list[Candidate]:
    """Every bundle on the sessions of INPUT ``spec`` that all of them have and none has learnt from.

    What is kept on disk lives as long as ``stack``. ``only`` names the detectors that are compared; see
    `logradar.pipeline.evaluation_data.unseen` for the last two. Raises `DataError` where no session is common to all.
    """
    names = bundle_names(bundles)
    loaded = [Bundle.load(bundle) for bundle in bundles]
    _require_known(only, loaded)
    found = []
    read = _Reader(spec, stack)
    for number, (name, fitted) in enumerate(zip(names, loaded, strict=True)):
        corpus, home = read(fitted, given)
        (home := home / f"candidate-{number}").mkdir()
        sessions = sessions_in(corpus, fitted, home)
        if sessions["label"].null_count < len(sessions):
            sessions = labelled(sessions, spec)
        sessions = sessions.filter(pa.array(unseen(sessions, fitted, held_out, allow_overlap)))
        found.append(_scored(name, fitted, corpus, sessions, only))
    return _in_common(found)


def bundle_names(bundles: Sequence[Path]) -> list[str]:
    """Short names of folders that tell them apart: their last part, or as many as it takes."""
    places = [bundle.resolve() for bundle in bundles]
    if len(set(places)) < len(places):
        twice = next(bundle for bundle, place in zip(bundles, places, strict=True) if places.count(place) > 1)
        raise ConfigError(f"Bundle '{twice}' is named twice; compare different bundles.")
    for depth in range(1, max(len(place.parts) for place in places) + 1):
        names = ["/".join(place.parts[-depth:]) for place in places]
        if len(set(names)) == len(names):
            break
    return names


class _Reader:
    """Reads the input once for all bundles that read it in the same way."""

    def __init__(self, spec: str, stack: ExitStack) -> None:
        self._spec, self._stack = spec, stack
        self._read: list[tuple[Any, Corpus | DayCorpus, Path]] = []

    def __call__(self, fitted: Bundle, given: dict[str, Any] | None) -> tuple[Corpus | DayCorpus, Path]:
        days = fitted.miner.uses_event_ids
        settings = input_settings(fitted, given)
        for how, corpus, home in self._read:
            if how == (days, settings):
                return corpus, home
        if self._spec == "-" and self._read:
            raise ConfigError("The bundles read their input in different ways, and stdin can be read once; use a file.")
        opened, home = self._stack.enter_context(opening(self._spec, settings))
        corpus = DayCorpus.collect(require_event_ids(opened), home) if days else collect(opened, home)
        self._read.append(((days, settings), corpus, home))
        return corpus, home


def _require_known(only: Sequence[str], loaded: Sequence[Bundle]) -> None:
    known = sorted({name for fitted in loaded for name in fitted.detectors})
    for name in only:
        if name not in known:
            raise ConfigError(f"No bundle holds a detector '{name}'; they hold {', '.join(known)}.")


def _scored(
    name: str, fitted: Bundle, corpus: Corpus | DayCorpus, sessions: pa.Table, only: Sequence[str]
) -> Candidate:
    scores, seconds = {}, {}
    for detector, one in fitted.detectors.items():
        if only and detector not in only:
            continue
        one.score(sessions.slice(0, _WARM))  # what is compiled or loaded at first use is not counted
        began = time.perf_counter()
        scores[detector] = one.score(sessions)
        seconds[detector] = time.perf_counter() - began
    limits = {detector: fitted.thresholds[detector].value for detector in scores}
    return Candidate(name, fitted, corpus, sessions, scores, limits, seconds)


def _in_common(found: list[Candidate]) -> list[Candidate]:
    """All candidates on the sessions that each of them has, in the order of the first."""
    found = [one for one in found if one.scores]
    if len(found) == 1:
        return found
    alike = len({one.fitted.miner.uses_event_ids for one in found}) == 1
    frames = [_keys(one, alike) for one in found]
    on = [column for column in frames[0].columns if not column.startswith("row")]
    common = frames[0].rename({"row": "row0"})
    for number, frame in enumerate(frames[1:], 1):
        common = common.join(
            frame.rename({"row": f"row{number}"}), on=on, how="inner", nulls_equal=True, maintain_order="left"
        )
    if not len(common):
        first, second = (next(iter(one.sessions["session_id"].to_pylist()[:1]), "none") for one in found[:2])
        raise DataError(
            f"The bundles have no session of this input in common (one has '{first}', another '{second}', …): they "
            "group records differently, or hold back different parts. Compare bundles with the same sessions.* "
            "settings on logs that none was trained on."
        )
    most = max(len(one.sessions) for one in found)
    if len(common) < most:
        say(f"Compared on the {len(common):,} sessions that all bundles have; up to {most - len(common):,} left out.")
    return [one.at(common[f"row{number}"].to_numpy()) for number, one in enumerate(found)]


def _keys(one: Candidate, timed: bool) -> pl.DataFrame:
    """What a session is known by: its id and length, and, where all tell times in one way, its start."""
    lengths = Sequences.from_arrow(one.sessions["template_ids"]).lengths
    keys = {"session_id": pl.from_arrow(one.sessions["session_id"]), "events": lengths}
    if timed:
        keys["start"] = pl.from_arrow(one.sessions["start"])
    frame = pl.DataFrame(keys).with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    return frame.unique([*keys], keep="first", maintain_order=True)
