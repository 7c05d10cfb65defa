"""Scores of one member of an ensemble, session by session, where a session may have none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from logradar.core.progress import say
from logradar.core.session_view import SessionView
from logradar.detectors.base import Detector, Finding, Floats

T = TypeVar("T")
NOT_FINITE = "its score is not a number"


@dataclass(frozen=True, eq=False)
class MemberScores:
    """Scores of ``rows`` and of their ``values`` (events), 0 where there is none; ``failures``: why, by row.

    Whether a row has a score depends on that row alone, never on the batch that it is in.
    """

    rows: Floats
    values: npt.NDArray[np.float32]
    failures: dict[int, str]


def member_scores(name: str, member: Detector, view: SessionView, unfinished: bool = False) -> MemberScores:
    """What ``member`` says of the rows of ``view``, or lower bounds of it; nothing of the member changes."""
    sequences = view.sequences
    rows, values = np.zeros(len(sequences)), np.zeros(len(sequences.values), np.float32)
    failures: dict[int, str] = {}
    for part, scored in by_halves(partial(member._score_as, unfinished=unfinished), view):
        if isinstance(scored, str):
            failures |= dict.fromkeys(range(part.start, part.stop), scored)
            continue
        first, last = int(sequences.offsets[part.start]), int(sequences.offsets[part.stop])
        finite = np.isfinite(scored.rows)
        rows[part] = np.where(finite, scored.rows, 0.0)
        inside = np.repeat(finite, sequences.lengths[part]) & np.isfinite(scored.values)
        values[first:last] = np.where(inside, scored.values, 0.0)
        failures |= dict.fromkeys((part.start + np.flatnonzero(~finite)).tolist(), NOT_FINITE)
    if failures:
        _say_once(name, next(iter(failures.values())))
    return MemberScores(rows, values, failures)


def member_findings(member: Detector, view: SessionView) -> list[list[Finding]]:
    """What ``member`` finds in each row of ``view``; nothing where it fails."""
    findings: list[list[Finding]] = []
    for part, explained in by_halves(member._explain_as, view):
        findings += [[] for _ in range(part.start, part.stop)] if isinstance(explained, str) else explained
    return findings


def by_halves(work: Callable[[SessionView], T], rows: SessionView) -> Iterator[tuple[slice, T | str]]:
    """``work`` on all rows, or where that fails on each half of them in turn, down to single rows.

    Yields slices of rows in order, each with its result, or with the reason why the work on that one row fails.
    """
    waiting = [(0, len(rows))]
    while waiting:
        start, stop = waiting.pop()
        try:
            done: T | str = work(rows.part(start, stop))
        except Exception as error:
            if stop - start > 1:
                middle = (start + stop) // 2
                waiting += [(middle, stop), (start, middle)]
                continue
            done = reason_of(error)
        yield slice(start, stop), done


def reason_of(error: Exception) -> str:
    """The message of an error in one short line without a full stop."""
    return (" ".join(str(error).split())[:200] or type(error).__name__).rstrip(".")


@lru_cache(maxsize=256)
def _say_once(name: str, why: str) -> None:
    """Tell people once in a process; every session that it concerns has a finding about it as well."""
    say(f"Member '{name}' of the ensemble has no score for some sessions: {why}. The other members score them.")
