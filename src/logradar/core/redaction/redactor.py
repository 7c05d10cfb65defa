"""Redactor: applies the rules of redaction to texts, columns, tables and JSON documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa

from logradar.core.redaction.numbers import NUMBERS
from logradar.core.redaction.rules import RULES
from logradar.core.redaction.settings import RedactionSettings

_ROUNDS: Final = 8  # at most; two or three are enough unless a text was made to need more
SIGNATURE: Final = "signature"  # a column whose values are kept whole or not at all
_IDS: Final = frozenset(  # made by LogRadar from hashes and words of its own
    {
        *("alert_id", "alert_ids", "incident_id", "kind", "again_of", "merged_into", "status", "severity"),
        *("change_id", "rate_change_ids"),
        *("detector", "severity_parts", "bundle", "version"),
    }
)


class Redactor:
    """Replaces what ``settings`` say; equal texts give equal results, and a second redaction changes nothing."""

    def __init__(self, settings: RedactionSettings | None = None) -> None:
        chosen = settings or RedactionSettings()
        own = [(rule.regex, rule.token) for rule in chosen.extra]
        shipped = [(rule.regex, rule.replacement) for rule in RULES if rule.name not in chosen.keep]
        step = pl.col("text")
        for regex, by in (*own, *shipped):
            step = step.str.replace_all(regex, by)
        self._step = step
        self._numbers = [rule for rule in NUMBERS if rule.name not in chosen.keep]

    def column(self, texts: pl.Series) -> pl.Series:
        """A column of texts, of any length; null stays null."""
        if not len(texts):
            return texts
        whole = texts.clone()
        rows = pl.Series(range(len(texts)), dtype=pl.UInt32)
        for _ in range(_ROUNDS):
            before = whole.gather(rows)
            after = self._once(before)
            changed = (before != after).fill_null(False).arg_true()
            if not len(changed):
                break
            rows = rows.gather(changed)
            whole.scatter(rows, after.gather(changed))
        return whole

    def _once(self, texts: pl.Series) -> pl.Series:
        """All rules, once each."""
        texts = texts.clone()
        for rule in self._numbers:
            rows = texts.str.contains(rule.where).fill_null(False).arg_true()
            if len(rows):
                replaced = [rule.replace(text) for text in texts.gather(rows).to_list()]
                texts.scatter(rows, pl.Series(replaced, dtype=pl.String))
        return pl.DataFrame({"text": texts}).select(self._step)["text"]

    def text(self, text: str) -> str:
        """One text.

        >>> Redactor().text("bob@example.com from 10.0.0.7")
        '<EMAIL> from <IP>'
        """
        return str(self.column(pl.Series([text], dtype=pl.String)).item())

    def document(self, value: Any) -> Any:
        """A JSON value with all texts in it redacted, but for ids and words of LogRadar's own; keys stay.

        A signature that holds something to redact becomes null.
        """
        found = list(dict.fromkeys(_texts(value)))
        new = self.column(pl.Series(found, dtype=pl.String))
        return _with(value, dict(zip(found, new.to_list(), strict=True)))

    def table(self, table: pa.Table) -> pa.Table:
        """An Arrow table such as ALERTS, with the texts in lists and structures of its columns redacted too."""
        columns = []
        for field, column in zip(table.schema, table.columns, strict=True):
            if field.name in _IDS or not len(column):
                columns.append(column)
                continue
            whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
            whole = whole.take(pa.array(np.arange(len(whole))))  # no slice: its parts begin where it begins
            redacted = _leaves(whole, self._strings)
            if field.name == SIGNATURE:
                same = np.array([a == b for a, b in zip(whole.to_pylist(), redacted.to_pylist(), strict=True)], bool)
                redacted = pa.array(
                    [text if kept else None for text, kept in zip(whole.to_pylist(), same, strict=True)], whole.type
                )
            columns.append(redacted)
        return pa.Table.from_arrays(columns, schema=table.schema)

    def _strings(self, array: pa.Array) -> pa.Array:
        """An array of texts; each distinct one is redacted once, as logs repeat."""
        coded = array.dictionary_encode()
        if not len(coded.dictionary):
            return array
        new = self.column(pl.Series(coded.dictionary.to_pylist(), dtype=pl.String))
        return pa.array(new.to_list(), pa.string()).take(coded.indices).cast(array.type)


def _leaves(array: pa.Array, change: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """An array without offset, with ``change`` applied to the texts in it."""
    kind = array.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return change(array)
    if pa.types.is_dictionary(kind) and pa.types.is_string(kind.value_type):
        return change(array.cast(pa.string())).dictionary_encode().cast(kind)
    if pa.types.is_list(kind):
        inner = _leaves(array.values, change)
        return pa.ListArray.from_arrays(array.offsets, inner, type=kind, mask=array.is_null())
    if pa.types.is_struct(kind):
        parts = [_leaves(array.field(place), change) for place in range(kind.num_fields)]
        return pa.StructArray.from_arrays(parts, fields=list(kind), mask=array.is_null())
    return array


def _texts(value: Any, name: str = "") -> Iterator[str]:
    if name in _IDS:
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(inner, str(key))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner, name)


def _with(value: Any, new: Mapping[str, str], name: str = "") -> Any:
    if name in _IDS:
        return value
    if isinstance(value, str):
        return new[value]
    if isinstance(value, Mapping):
        found = {key: _with(inner, new, str(key)) for key, inner in value.items()}
        signature = value.get(SIGNATURE)
        if SIGNATURE in found and found[SIGNATURE] != signature:
            found[SIGNATURE] = None
        return found
    if isinstance(value, list | tuple):
        return [_with(inner, new, name) for inner in value]
    return value
