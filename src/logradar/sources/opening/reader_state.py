"""Reader state: what `Records` remembers between two blocks, as JSON values, so that a restart can go on."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from logradar.sources.decoding.timestamps import Dates
from logradar.sources.opening.formats import Format
from logradar.sources.opening.json_names import Keys, Names
from logradar.sources.opening.records import Records

_KINDS: Final = {"String": pl.String(), "Int64": pl.Int64(), "Boolean": pl.Boolean(), "Null": pl.Null()}


def reader_state(reader: Records) -> dict[str, Any]:
    """The state of a reader as JSON values; `restored` makes the same reader of it."""
    unwrapping = reader.unwrapping
    return {
        "format": _format_values(reader.format),
        "clock": reader.clock.state(),
        "traces": reader.traces.state(),
        "held": _frame_values(reader.held),
        "wrapped": _frame_values(unwrapping.held) if unwrapping else None,
        **reader.counts(),
    }


def restore_reader(reader: Records, state: dict[str, Any]) -> None:
    """Let ``reader``, new and of the format of `format_of`, go on from ``state``.

    Raises `KeyError`, `TypeError` or `ValueError` where the state is none.
    """
    reader.clock.restore(state["clock"])
    reader.traces.restore(state["traces"])
    reader.held = _frame(state["held"])
    if reader.unwrapping and state["wrapped"]:
        reader.unwrapping.held = _frame(state["wrapped"])
    reader.restore_counts(state)


def format_of(state: dict[str, Any]) -> Format:
    """The format of the reader that ``state`` is of."""
    values = state["format"]
    names = values["names"]
    ways = {field: [_keys(path) for path in paths] for field, paths in names["ways"].items()}
    parts = {_keys(path): (_keys(other), int(digits)) for path, other, digits in names["parts"]}
    numbers = {str(name): int(level) for name, level in names["numbers"].items()}
    return Format(
        wrapper=values["wrapper"],
        bodies=tuple(values["bodies"]),
        names=Names(ways, parts, numbers),
        share=float(values["share"]),
        dates=Dates(**values["dates"]),
        joins=bool(values["joins"]),
    )


def _format_values(form: Format) -> dict[str, Any]:
    parts = [[list(path), list(other), digits] for path, (other, digits) in form.names.parts.items()]
    ways = {field: [list(path) for path in paths] for field, paths in form.names.ways.items()}
    return {
        "wrapper": form.wrapper,
        "bodies": list(form.bodies),
        "names": {"ways": ways, "parts": parts, "numbers": form.names.numbers},
        "share": form.share,
        "dates": vars(form.dates),
        "joins": form.joins,
    }


def _keys(path: list[str | int]) -> Keys:
    return tuple(path)


def _frame_values(frame: pl.DataFrame) -> dict[str, Any]:
    return {"kinds": {name: str(kind) for name, kind in frame.schema.items()}, "rows": frame.rows()}


def _frame(values: dict[str, Any]) -> pl.DataFrame:
    schema = {name: _KINDS[kind] for name, kind in values["kinds"].items()}
    return pl.DataFrame([tuple(row) for row in values["rows"]], schema, orient="row") if schema else pl.DataFrame()
