"""Stack traces: what tells one from another, its exception, its first frames and its cause, without line numbers.

Java, Kotlin, Scala, C#, JavaScript (``at frame``) and Python (``File "…", line 1, in f``); of other languages the
exception alone. Two records with one message and other causes are two kinds; the rest of a trace differs by thread and
by how code was called, and is not compared.
"""

from __future__ import annotations

from typing import Final

import polars as pl

FRAMES: Final = 2  # first frames that count
DISTINCT: Final = 5_000  # beyond so many different traces frames do not count, beyond as many again no trace does
_EXCEPTION: Final = (
    r"(?m)^\s*(?:(?:Caused by|Suppressed): )?(?:Exception in thread \S+ )?"
    r"((?:[A-Za-z_$][\w$]*[.])*[A-Za-z_$][\w$]*(?:Exception|Error|Throwable|Interrupt|Exit))\b"
)
_FRAME: Final = r"(?m)^\s+(?:at ([^\s(]+)|File \x22[^\x22]*\x22, line [0-9]+, in (\S+))"
_CAUSE: Final = r"(?m)^\s*Caused by: "
_LONG: Final = 1_000  # characters of a key
_VARIES: Final = r"[0-9]+|0x[0-9a-fA-F]+"


def trace_keys(bodies: pl.Series, depth: int = 2) -> pl.Series:
    """A text for the stack trace of each body, '' where there is none.

    ``depth`` 2 takes exception, first frames and last cause, 1 the exceptions alone, 0 nothing.
    """
    none = pl.Series("trace", [""], pl.String).new_from_index(0, len(bodies))
    several = bodies.str.contains("\n", literal=True)
    if not depth or not several.any():
        return none
    places = several.arg_true()
    keys = _keys(bodies.gather(places), depth)
    return none.scatter(places, keys)


def _keys(bodies: pl.Series, depth: int) -> pl.Series:
    frame = pl.DataFrame({"body": bodies}).with_columns(
        rest=pl.col("body").str.replace(r"^[^\n]*\n", ""), last=pl.col("body").str.split("Caused by: ").list.last()
    )
    first = pl.col("rest").str.extract(_EXCEPTION, 1)
    cause = pl.when(pl.col("body").str.contains(_CAUSE)).then(pl.col("last").str.extract(r"^([\w.$]+)", 1))
    parts = [first, cause]
    if depth > 1:
        called = (
            pl.col("rest")
            .str.extract_all(_FRAME)
            .list.head(FRAMES)
            .list.eval(pl.element().str.strip_chars().str.replace(r"^at ", "").str.replace(r"^File .*, in ", ""))
        )
        below = pl.when(cause.is_not_null()).then(pl.col("last").str.extract(_FRAME, 1))
        parts += [called.list.join(" < "), below]
    key = pl.concat_str([part.fill_null("") for part in parts], separator=" | ")
    known = first.is_not_null() | cause.is_not_null()
    if depth > 1:
        known = known | pl.col("rest").str.contains(_FRAME)
    short = key.str.replace_all(_VARIES, "0").str.head(_LONG)
    return frame.select(key=pl.when(known).then(short).otherwise(pl.lit("")))["key"].fill_null("")


class TraceDepth:
    """Finds out how exactly traces can be compared, so that their number stays bounded."""

    def __init__(self) -> None:
        self._seen: dict[int, set[str] | None] = {2: set(), 1: set()}

    def add(self, bodies: pl.Series) -> None:
        """See the bodies of some records."""
        for depth, seen in self._seen.items():
            if seen is not None:
                seen.update(trace_keys(bodies, depth).unique().to_list())
                if len(seen) > DISTINCT:
                    self._seen[depth] = None

    @property
    def depth(self) -> int:
        """The depth for `trace_keys`."""
        return next((depth for depth, seen in self._seen.items() if seen is not None), 0)
