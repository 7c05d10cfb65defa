"""Blocks of simulated text that are repeated with other days and trace ids: much text at the speed of the disk."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import numba
import numpy as np
import numpy.typing as npt

SIZE: Final = 4 << 20
LINE: Final = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ [\w.]+ \[trace=([0-9a-f]{16})\] ")
_HEX: Final = np.frombuffer(b"0123456789abcdef", np.uint8)
_GOLDEN: Final = 0x9E3779B97F4A7C15
_njit: Any = numba.njit
Ints = npt.NDArray[np.int64]


@dataclass
class Block:
    """Text in which days and trace ids are replaced in place; the arrays have their places and original values.

    ``dates`` are the places of the ``days`` (since 1970), ``traces`` the places of the ``keys`` (trace ids).
    """

    data: npt.NDArray[np.uint8]
    dates: Ints
    days: Ints
    traces: Ints
    keys: npt.NDArray[np.uint64]

    @classmethod
    def of(cls, text: bytes | bytearray) -> Block:
        """The block of a text that contains records of the shop's log format, anywhere in it."""
        data = np.frombuffer(bytearray(text), np.uint8)
        places = [(line.start(), line.start(1), int(line[1], 16)) for line in LINE.finditer(text)]
        dates = np.array([date for date, _, _ in places], np.int64)
        traces = np.array([trace for _, trace, _ in places], np.int64)
        written = data[dates[:, None] + np.arange(10)].copy().view("S10").ravel()
        days = written.astype("U10").astype("M8[D]").astype(np.int64)
        return cls(data, dates, days, traces, np.array([key for _, _, key in places], np.uint64))

    def renew(self, shift: int, salt: int) -> None:
        """Replace each day by the day ``shift`` days later, and each trace id by one computed from it and ``salt``.

        Equal ids stay equal in all blocks, and different ids stay different. Salt 0 and
        shift 0 give the original text.
        """
        if len(self.days):
            first = int(self.days.min())
            span = np.arange(first + shift, int(self.days.max()) + shift + 1)
            texts = span.astype("M8[D]").astype("S10")
            _write_days(self.data, self.dates, self.days - first, texts.view(np.uint8).reshape(len(span), 10))
        _write_traces(self.data, self.traces, self.keys, np.uint64(salt * _GOLDEN % 2**64), _HEX)


def write_numbers(data: npt.NDArray[np.uint8], places: Ints, first: int) -> None:
    """Write consecutive numbers of twelve digits, beginning with ``first``."""
    _write_numbers(data, places, first)


def write_whole(file: Any, text: memoryview) -> int:
    """Write the whole text to an unbuffered file, where one system call may write a part only; return its bytes."""
    done = 0
    while done < len(text):
        done += file.write(text[done:])
    return done


@_njit(cache=True)
def _write_days(data, places, days, texts):  # type: ignore[no-untyped-def]
    for i in range(len(places)):
        for k in range(10):
            data[places[i] + k] = texts[days[i], k]


@_njit(cache=True)
def _write_traces(data, places, keys, salt, letters):  # type: ignore[no-untyped-def]
    """The finaliser of SplitMix64 (Steele et al., OOPSLA 2014), which is a permutation."""
    for i in range(len(places)):
        z = keys[i]
        if salt:
            z ^= salt
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            z ^= z >> np.uint64(31)
        for k in range(15, -1, -1):
            data[places[i] + k] = letters[np.int64(z & np.uint64(15))]
            z >>= np.uint64(4)


@_njit(cache=True)
def _write_numbers(data, places, first):  # type: ignore[no-untyped-def]
    for i in range(len(places)):
        number = first + i
        for k in range(11, -1, -1):
            data[places[i] + k] = 48 + number % 10
            number //= 10
