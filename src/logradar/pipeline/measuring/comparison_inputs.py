"""Inputs of a comparison: each bundle with its scores of the sessions that all bundles have in common."""

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
from logradar.pipeline.measuring.evaluation_data import labelled, sessions_in, unseen
from logradar.sources.opening.opening import require_event_ids
from logradar.storage.day_files import DayCorpus
from logradar.storage.records import Corpus, collect, opening

_WARM_UP = 64  # sessions scored before the time is measured


@dataclass(frozen=True)
class Candidate:
    """One bundle on the input: SESSIONS as it groups them; their SCORES, the threshold and the seconds by detector."""

    name: str
    bundle: Bundle
    corpus: Corpus | DayCorpus
    sessions: pa.Table
    scores: dict[str, pa.Table]
    thresholds: dict[str, float]
    seconds: dict[str, float]

    @property
    def main(self) -> str:
        """The detector that raises alerts."""
        return self.bundle.settings.detector

    def at(self, rows: npt.NDArray[np.int64]) -> Candidate:
        """The same candidate with the sessions at ``rows`` only, in that order."""
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
    output: Path | None = None,
) -> list[Candidate]:
    """Every bundle on the sessions of INPUT ``spec`` that all bundles have and none was trained on.

    Files on disk are kept as long as ``stack`` is open. ``only`` names the detectors that are compared (empty: all);
    `logradar.pipeline.measuring.evaluation_data.unseen` explains ``held_out`` and ``allow_overlap``. Raises
    `DataError` where the bundles have no session in common.
    """
    names = bundle_names(bundles)
    loaded = [Bundle.load(folder) for folder in bundles]
    _require_known(only, loaded)
    scored = []
    read = _Reader(spec, stack, output)
    for number, (name, bundle) in enumerate(zip(names, loaded, strict=True)):
        corpus, home = read(bundle, given)
        (home := home / f"candidate-{number}").mkdir()
        sessions = sessions_in(corpus, bundle, home)
        if sessions["label"].null_count < len(sessions):
            sessions = labelled(sessions, spec)
        sessions = sessions.filter(pa.array(unseen(sessions, bundle, held_out, allow_overlap)))
        scored.append(_scored(name, bundle, corpus, sessions, only))
    return _in_common(scored)


def bundle_names(bundles: Sequence[Path]) -> list[str]:
    """Short distinct names for folders: the last part of each path, or as many parts as are needed."""
    places = [folder.resolve() for folder in bundles]
    if len(set(places)) < len(places):
        twice = next(folder for folder, place in zip(bundles, places, strict=True) if places.count(place) > 1)
        raise ConfigError(f"Bundle '{twice}' is named twice; compare different bundles.")
    for depth in range(1, max(len(place.parts) for place in places) + 1):
        names = ["/".join(place.parts[-depth:]) for place in places]
        if len(set(names)) == len(names):
            break
    return names


class _Reader:
    """Reads the input once for all bundles that need it read in the same way."""

    def __init__(self, spec: str, stack: ExitStack, output: Path | None) -> None:
        self._spec, self._stack, self._output = spec, stack, output
        self._read: list[tuple[Any, Corpus | DayCorpus, Path]] = []

    def __call__(self, bundle: Bundle, given: dict[str, Any] | None) -> tuple[Corpus | DayCorpus, Path]:
        days = bundle.miner.uses_event_ids
        settings = input_settings(bundle, given)
        for how, corpus, home in self._read:
            if how == (days, settings):
                return corpus, home
        if self._spec == "-" and self._read:
            raise ConfigError(
                "The bundles read their input in different ways, but stdin can be read only once; use a file."
            )
        opened, home = self._stack.enter_context(opening(self._spec, settings, outputs=[self._output]))
        corpus = DayCorpus.collect(require_event_ids(opened), home) if days else collect(opened, home)
        self._read.append(((days, settings), corpus, home))
        return corpus, home


def _require_known(only: Sequence[str], loaded: Sequence[Bundle]) -> None:
    known = sorted({name for bundle in loaded for name in bundle.detectors})
    for name in only:
        if name not in known:
            raise ConfigError(f"No bundle has a detector '{name}'; they have {', '.join(known)}.")


def _scored(
    name: str, bundle: Bundle, corpus: Corpus | DayCorpus, sessions: pa.Table, only: Sequence[str]
) -> Candidate:
    scores, seconds = {}, {}
    for key, detector in bundle.detectors.items():
        if only and key not in only:
            continue
        detector.score(sessions.slice(0, _WARM_UP))  # the time to compile or load at first use does not count
        began = time.perf_counter()
        scores[key] = detector.score(sessions)
        seconds[key] = time.perf_counter() - began
    thresholds = {key: bundle.thresholds[key].value for key in scores}
    return Candidate(name, bundle, corpus, sessions, scores, thresholds, seconds)


def _in_common(scored: list[Candidate]) -> list[Candidate]:
    """All candidates on the sessions that each of them has, in the order of the first."""
    scored = [candidate for candidate in scored if candidate.scores]
    if len(scored) == 1:
        return scored
    same_times = len({candidate.bundle.miner.uses_event_ids for candidate in scored}) == 1
    frames = [_keys(candidate, same_times) for candidate in scored]
    on = [column for column in frames[0].columns if not column.startswith("row")]
    common = frames[0].rename({"row": "row0"})
    for number, frame in enumerate(frames[1:], 1):
        common = common.join(
            frame.rename({"row": f"row{number}"}), on=on, how="inner", nulls_equal=True, maintain_order="left"
        )
    if not len(common):
        first, second = (
            next(iter(candidate.sessions["session_id"].to_pylist()[:1]), "none") for candidate in scored[:2]
        )
        raise DataError(
            f"The bundles have no session of this input in common (one has '{first}', another '{second}', …): they "
            "group records differently, or hold back different parts. Compare bundles with the same sessions.* "
            "settings on logs that none was trained on."
        )
    most = max(len(candidate.sessions) for candidate in scored)
    if len(common) < most:
        left_out = f"up to {most - len(common):,} sessions of a bundle are left out"
        say(f"The comparison uses the {len(common):,} sessions that all bundles have; {left_out}.")
    return [candidate.at(common[f"row{number}"].to_numpy()) for number, candidate in enumerate(scored)]


def _keys(candidate: Candidate, timed: bool) -> pl.DataFrame:
    """The identity of each session: its id and length, and its start where all bundles have the same times."""
    lengths = Sequences.from_arrow(candidate.sessions["template_ids"]).lengths
    keys = {"session_id": pl.from_arrow(candidate.sessions["session_id"]), "events": lengths}
    if timed:
        keys["start"] = pl.from_arrow(candidate.sessions["start"])
    frame = pl.DataFrame(keys).with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    return frame.unique([*keys], keep="first", maintain_order=True)
