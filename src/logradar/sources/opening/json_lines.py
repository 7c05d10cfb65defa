"""Lines that are JSON objects: time, level, service, component and message, column by column.

If all lines of a block are valid, one pass of a fast parser is enough. Otherwise each value is read by its JSON path,
so that a damaged line does not affect others: it is kept as text and reported. ``json_names`` finds the names.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, Final

import orjson
import polars as pl

from logradar.sources.opening import levels
from logradar.sources.opening.json_names import NAMES, Keys, Names, parsed

LOOKS_LIKE: Final = r"^\s*\{.*\}\s*$"
BEGINS_LIKE: Final = r"^\s*\{\s*\x22"
_NOT_FINITE: Final = r"[:\[,]\s*(?:NaN|-?Infinity)\s*[,\]}]"  # what Python writes and JSON does not have


def fields(text: pl.Series, names: Names) -> pl.DataFrame:
    """Columns ``timestamp`` (text), ``level`` (SeverityNumber), ``service``, ``component``, ``body``, ``trace``.

    All values of a row are null if the line is not a JSON object.
    """
    paths = [keys for ways in names.ways.values() for keys in ways]
    fetched = values(text, [*paths, *(keys for keys, _ in names.parts.values())])
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, len(text))
    columns = {}
    for field, ways in names.ways.items():
        columns_by_path = [fetched[keys] for keys in ways]
        if field == "timestamp":
            columns_by_path = [_with_part(fetched, keys, names) for keys in ways]
        if field == "level":
            pairs = zip(columns_by_path, ways, strict=True)
            columns_by_path = [levels.levels(words, names.numbers_at(keys)) for words, keys in pairs]
        filled = reduce(lambda first, then: first.fill_null(then), columns_by_path) if columns_by_path else nothing
        columns[field] = filled
    return pl.DataFrame(columns).with_columns(pl.col("level").cast(pl.Int8)).select(list(NAMES))


def _with_part(fetched: dict[Keys, pl.Series], keys: Keys, names: Names) -> pl.Series:
    """Texts of times; seconds get their part of a second, which stands beside them."""
    if keys not in names.parts:
        return fetched[keys]
    part, digits = names.parts[keys]
    if not digits:
        return pl.select(pl.concat_str(fetched[part], pl.lit(" "), fetched[keys])).to_series()
    text = pl.concat_str(fetched[keys], pl.lit("."), fetched[part].fill_null("0").str.zfill(digits).str.head(9))
    return pl.select(text).to_series()


def values(text: pl.Series, paths: Sequence[Keys]) -> dict[Keys, pl.Series]:
    """The values at these paths as text (objects as JSON); null if there is none or the line is not a JSON object."""
    paths = list(dict.fromkeys(paths))
    text = _finite(text)
    schema = _schema(paths)
    if schema and paths:
        whole = pl.select(pl.when(text.str.contains(LOOKS_LIKE)).then(text)).to_series()
        try:
            read = whole.str.json_decode(schema)
        except pl.exceptions.ComputeError:  # a damaged line, or an object where text was expected
            pass
        else:
            return {keys: reduce(_inside, keys, read) for keys in paths}
    return {keys: text.str.json_path_match(_json_path(keys)) for keys in paths}


def broken(text: pl.Series) -> pl.Series:
    """Which lines begin like a JSON object but are not one (truncated, or not escaped)."""
    return text.str.contains(BEGINS_LIKE) & _finite(text).str.json_path_match("$").is_null()


def _finite(text: pl.Series) -> pl.Series:
    """The lines with null for NaN and Infinity, where these make a line invalid."""
    strange = text.str.contains(_NOT_FINITE).fill_null(False)
    if not strange.any():
        return text
    lines = text.filter(strange).to_list()
    sound = [orjson.dumps(value).decode() if isinstance(value := parsed(one), dict) else one for one in lines]
    return text.scatter(strange.arg_true(), pl.Series(sound, dtype=pl.String))


def _inside(column: pl.Series, key: str | int) -> pl.Series:
    return column.list.get(key, null_on_oob=True) if isinstance(key, int) else column.struct.field(key)


def _json_path(keys: Keys) -> str:
    return "$" + "".join(f"[{key}]" if isinstance(key, int) else f"['{key}']" for key in keys)


def _schema(paths: Sequence[Keys]) -> pl.Struct | None:
    """The type of an object with text at all these paths; None if one path is inside another."""
    tree: dict[str | int, Any] = {}
    for keys in sorted(paths, key=len):
        below = tree
        for key in keys[:-1]:
            below = below.setdefault(key, {})
            if below is None:
                return None
        if below.setdefault(keys[-1], None) is not None:
            return None
    whole = _kind(tree)
    return whole if isinstance(whole, pl.Struct) else None


def _kind(node: dict[str | int, Any] | None) -> pl.DataType | type[pl.DataType]:
    """The type of an object (or of a list, if its keys are places) with text at all the paths below."""
    if node is None:
        return pl.String
    if node and all(isinstance(key, int) for key in node):
        return pl.List(_kind(next(iter(node.values()))))
    if any(isinstance(key, int) for key in node):
        return pl.String
    return pl.Struct({str(key): _kind(below) for key, below in node.items()})
