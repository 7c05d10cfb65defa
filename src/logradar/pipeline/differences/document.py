"""The document of a difference, as docs/reference-json.md describes it ("diff")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl

from logradar import __version__
from logradar.core.filenames import readable
from logradar.core.formatting import level_word
from logradar.pipeline.differences.changes import Change, Changes
from logradar.pipeline.differences.ranked_lines import LINES
from logradar.pipeline.differences.runs import Run
from logradar.pipeline.differences.table import KindTable
from logradar.pipeline.differences.verdict import LEVEL, beyond_chance

TEXT: Final = 2_000  # characters of a record that are kept
_PLACE: Final = ("source", "line", "timestamp", "service", "level", "body")


def of_runs(runs: Sequence[Run], table: KindTable, found: Changes, renamed: int, most: int) -> dict[str, Any]:
    """Good runs and, last, a bad one: their figures, the verdict, and the ``most`` first changes."""
    counts = {what: sum(change.what == what for change in found.ranked) for what in ("new", "gone", "more", "less")}
    return {
        **_head("runs"),
        "good": [_run(run, table, number) for number, run in enumerate(runs[:-1])],
        "bad": _run(runs[-1], table, len(runs) - 1),
        "unusualness": round(found.unusualness, 3),
        "new": beyond_chance(found.groups),
        "groups": [
            {
                "name": one.name,
                "new": one.new,
                "known": round(one.known, 1),
                "expected": round(one.expected, 3),
                "p": float(f"{one.p:.3g}"),
            }
            for one in found.groups
        ],
        "p_limit": LEVEL / len(found.groups),
        "counts": {**counts, "cut_off": found.cut_off, "renamed": renamed},
        "scale": round(found.compared.scale, 4),
        "dispersion": round(found.compared.dispersion, 4),
        "changes": _changes(runs, table, found.ranked[:most]),
    }


def of_lines(run: Run, table: KindTable, ranked: pl.DataFrame) -> dict[str, Any]:
    """One run, and its most unusual records, best first."""
    places = _places(run, ranked["record_id"].to_list())
    often = _sums(table)
    return {
        **_head("lines"),
        "bad": _run(run, table, 0),
        "lines": [
            {
                "rank": rank,
                "score": round(row["score"], 4),
                **_place(places[row["record_id"]]),
                "template": often[row["template_id"]][0],
                "count": often[row["template_id"]][1],
            }
            for rank, row in enumerate(ranked.to_dicts(), 1)
        ],
    }


def _head(mode: str) -> dict[str, Any]:
    return {"mode": mode, "version": __version__, "created": datetime.now(UTC).isoformat(timespec="seconds")}


def _run(run: Run, table: KindTable, number: int) -> dict[str, Any]:
    first, last = run.span()
    counts = table.counts[:, number]
    return {
        "input": readable(run.name),
        "records": int(counts.sum()),
        "kinds": int((counts > 0).sum()),
        "from": first and first.isoformat(),
        "until": last and last.isoformat(),
    }


def _changes(runs: Sequence[Run], table: KindTable, ranked: Sequence[Change]) -> list[dict[str, Any]]:
    shown = {change.kind: _shown_in(table, change.kind) for change in ranked}
    places = {
        run: _places(runs[run], [int(table.first[kind, run]) for kind, seen in shown.items() if seen == run])
        for run in set(shown.values())
    }
    rows = table.kinds.to_dicts()
    return [
        {
            "rank": rank,
            "what": change.what,
            "score": round(change.score, 3),
            "good": table.good[change.kind].tolist(),
            "bad": int(table.bad[change.kind]),
            "expected": round(change.expected, 2),
            "q": float(f"{change.q:.3g}"),
            "template": rows[change.kind]["template"],
            "trace": _trace(rows[change.kind]["trace"]),
            **_place(places[shown[change.kind]][int(table.first[change.kind, shown[change.kind]])]),
        }
        for rank, change in enumerate(ranked, 1)
    ]


def _trace(key: str) -> dict[str, Any] | None:
    """A key of `trace_keys` by its parts."""
    if not key:
        return None
    exception, cause, frames, below = (*key.split(" | "), "", "")[:4]
    return {
        "exception": exception or None,
        "cause": cause or None,
        "frames": frames.split(" < ") if frames else [],
        "cause_frame": below or None,
    }


def _shown_in(table: KindTable, kind: int) -> int:
    """The run whose first record of a kind is shown: the bad one, else the first good one that has it."""
    seen = [run for run, count in enumerate(table.counts[kind].tolist()) if count]
    return max(seen) if table.bad[kind] else min(seen)


def _places(run: Run, records: list[int]) -> dict[int, dict[str, Any]]:
    frame = pl.from_arrow(run.corpus.lines(records))
    assert isinstance(frame, pl.DataFrame)
    return {row["record_id"]: row for row in frame.select("record_id", *_PLACE).to_dicts()}


def _place(row: Mapping[str, Any]) -> dict[str, Any]:
    lines = str(row["body"]).split("\n")
    return {
        "source": row["source"],
        "line": row["line"],
        "lines": min(len(lines), LINES),
        "time": row["timestamp"] and row["timestamp"].isoformat(),
        "service": row["service"],
        "level": level_word(row["level"]) or None,
        "text": "\n".join(lines[:LINES])[:TEXT],
    }


def _sums(table: KindTable) -> dict[int, tuple[str, int]]:
    rows = table.kinds.with_columns(count=pl.Series(table.bad)).group_by("template_id")
    found = rows.agg(pl.col("template").first(), pl.col("count").sum())
    return {row["template_id"]: (row["template"], row["count"]) for row in found.to_dicts()}
