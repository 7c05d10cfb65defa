"""Diff: what a bad run says that good runs do not; or the most unusual lines of one run."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import polars as pl

from logradar.core.errors import ConfigError
from logradar.core.outputs import PAGES, require_output
from logradar.pipeline.differences.changes import changes
from logradar.pipeline.differences.document import of_lines, of_runs
from logradar.pipeline.differences.kinds import Miner, joined, kinds_of
from logradar.pipeline.differences.names import renamed
from logradar.pipeline.differences.ranked_lines import RankedLines
from logradar.pipeline.differences.runs import Run, parts_of, runs_of
from logradar.pipeline.differences.table import KindTable
from logradar.sources.opening.opening import InputSettings

NOTHING: Final = "-"  # in the place of the good run: there is none
MOST: Final = 200  # changes or lines


def diff(
    good: Sequence[str],
    bad: str | None,
    settings: InputSettings,
    *,
    before: str | None = None,
    after: str | None = None,
    most: int = MOST,
    output: Path | None = None,
) -> dict[str, Any]:
    """The document of a difference (docs/reference-json.md, "diff").

    ``good`` are INPUTs of good runs, or ``["-"]`` for none; ``bad`` is the INPUT of the bad run. With a time
    ``before``, both are parts of one INPUT: ``bad`` is None, and the bad run begins at ``after``, or at ``before``
    where it is not given. Times are ISO 8601, UTC where they name no zone. ``most`` changes or lines are in the
    document. ``output`` is only checked: it must not be one of the inputs.
    Raises `ConfigError` for sides that do not go together.
    """
    parts = _times(before, after)
    _require_sides(good, bad, parts is not None)
    if output is not None and output.suffix.lower() not in PAGES:
        raise ConfigError(f"A difference is written as a page, {PAGES[0]}; '{output}' has another ending.")
    require_output(output, pages=PAGES)
    # labels and sessions play no part here, so none are searched for
    settings = settings.model_copy(update={"session_key": settings.session_key or "", "use_labels": False})
    with tempfile.TemporaryDirectory(prefix="logradar-") as scratch, ExitStack() as stack:
        home = Path(scratch)
        if parts is not None:
            (run,) = runs_of(list(good), settings, home, output, stack)
            runs = parts_of(run, *parts)
        elif list(good) == [NOTHING]:
            return _lines(runs_of([str(bad)], settings, home, output, stack)[0], home, most)
        else:
            runs = runs_of([*good, str(bad)], settings, home, output, stack)
        return _changes(runs, home, most)


def require_verdict(good: Sequence[str]) -> None:
    """`ConfigError` where there is no good run by which something could be new."""
    if NOTHING in good:
        raise ConfigError("--fail-on-new needs a good run; without one nothing can be called new.")


def _changes(runs: list[Run], home: Path, most: int) -> dict[str, Any]:
    miner = Miner(home / "lines")
    rows = kinds_of(runs, miner)
    templates = miner.templates
    seen = {int(template): frozenset(group["run"].to_list()) for (template,), group in rows.group_by("template_id")}
    same = renamed({number: templates[number] for number in seen}, seen)
    table = KindTable.of(joined(rows, same), templates, len(runs))
    return of_runs(runs, table, changes(table, runs[-1].ends()), len(same), most)


def _lines(run: Run, home: Path, most: int) -> dict[str, Any]:
    miner = Miner(home / "lines")
    rows = kinds_of([run], miner)
    table = KindTable.of(rows, miner.templates, 1)
    counts = dict(rows.group_by("template_id").agg(pl.col("count").sum()).iter_rows())
    ranked = RankedLines(miner, counts, int(table.bad.sum()), most).ranked(run.batches())
    return of_lines(run, table, ranked)


def _times(before: str | None, after: str | None) -> tuple[datetime, datetime] | None:
    if before is None and after is None:
        return None
    if before is None:
        raise ConfigError(f"--after {after} needs --before TIME: until when the log is good.")
    end = _time("--before", before)
    begin = end if after is None else _time("--after", after)
    if begin < end:
        raise ConfigError(f"--after {after} is earlier than --before {before}, so the two parts overlap; swap them.")
    return end, begin


def _time(option: str, text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{option} is a time such as 2024-05-01T12:30:00, not '{text}'.") from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


def _require_sides(good: Sequence[str], bad: str | None, parts: bool) -> None:
    if parts and (bad is not None or len(good) != 1 or good[0] == NOTHING):
        raise ConfigError("--before divides one input into its good and its bad part; name one input and no other.")
    if not parts and bad is None:
        raise ConfigError(
            "There is no bad run: diff GOOD BAD, diff - BAD to rank the lines of one log, or diff LOG --before TIME."
        )
    if NOTHING in good and len(good) > 1:
        raise ConfigError("'-' says that there is no good run; leave it out, or the other good runs.")
