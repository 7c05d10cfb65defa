"""Read numbers from texts; durations in seconds, sizes in bytes."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]

_UNITS: Final = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    **dict.fromkeys(("msec", "msecs", "millis", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3_600.0),
    **dict.fromkeys(("d", "day", "days"), 86_400.0),
    **dict.fromkeys(("B", "byte", "bytes", "Byte", "Bytes"), 1.0),
    **{
        unit + tail: base**power
        for power, units in enumerate(("kK", "M", "G", "T", "P"), start=1)
        for unit in units
        for tail, base in (("", 1000.0), ("B", 1000.0), ("b", 1000.0), ("iB", 1024.0), ("ib", 1024.0))
    },
}
_NUMBER: Final = (
    r"^[\s(\[{'\x22=:]*([-+]?[0-9]+(?:[.,][0-9]+)*(?:[eE][-+]?[0-9]+)?)"
    r"(%| ?[a-zA-Zµ]{0,12})(?: \([^()]*\))?[\s)\]}'\x22;,:]*$"
)
_THOUSANDS: Final = r"^[-+]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?$"
_DIGITS: Final = 15  # a number with more is an identifier, and a float is not exact
_MOST: Final = 1e300


def numbers(texts: pl.Series) -> Floats:
    """The number in each text, NaN where there is none: ``1,234`` is 1234, ``12ms`` is 0.012 and ``3 KB`` is 3000.

    A text with more than one decimal point, an unknown unit or more than 15 digits is not a number.

    >>> numbers(pl.Series(["7", "1,234.5", "12ms", "3 KB", "10.0.0.7", "0x1f", "", "-2e3"])).tolist()
    [7.0, 1234.5, 0.012, 3000.0, nan, nan, nan, -2000.0]
    >>> numbers(pl.Series(["4096 bytes (4.0 KB)", "5 minutes", "3 apples"])).tolist()
    [4096.0, 300.0, nan]
    """
    if not len(texts):
        return np.empty(0)
    groups = texts.str.extract_groups(_NUMBER).struct.unnest()
    digits, unit = groups["1"], groups["2"].str.strip_chars_start(" ")
    plain = digits.to_frame("n").select(
        pl.when(pl.col("n").str.contains(_THOUSANDS))
        .then(pl.col("n").str.replace_all(",", "", literal=True))
        .otherwise(pl.col("n").str.replace(",", ".", literal=True))
    )["n"]
    factor = unit.replace_strict({"": 1.0, "%": 1.0, **_UNITS}, default=None, return_dtype=pl.Float64)
    short = digits.str.count_matches("[0-9]") <= _DIGITS
    values = (plain.str.strip_chars_start("+").cast(pl.Float64, strict=False) * factor).to_numpy()
    known: Floats = np.where(short.fill_null(False).to_numpy(), values, np.nan)
    return np.clip(known, -_MOST, _MOST)
