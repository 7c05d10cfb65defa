"""Interning: equal byte strings get the same small integer, so that later stages compare integers.

Strings are stored in `Texts`: one buffer of bytes with a start and an end for each string. All loops over
bytes are numba kernels that read eight bytes at a time. Strings with equal hashes are compared byte by byte, so
two different strings never get the same id.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numba
import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Ids = npt.NDArray[np.int32]
_HASH: Final = np.uint64(0x9E3779B97F4A7C15)
_ENTRY: Final = np.dtype([("hash", np.uint64), ("place", np.int64), ("length", np.int64)])


@dataclass(frozen=True, eq=False)
class Texts:
    """Byte strings: string ``i`` is ``data[starts[i]:ends[i]]``; UTF-8, except after `shape_folding.fold`.

    ``data`` is padded with at least eight bytes and to a multiple of eight.
    """

    data: Bytes
    starts: Ints
    ends: Ints

    @classmethod
    def of(cls, strings: pl.Series | pa.Array | pa.ChunkedArray | Iterable[str]) -> Texts:
        """From a column of strings; null becomes the empty string. The bytes are copied once."""
        if isinstance(strings, pl.Series):
            strings = strings.to_arrow()
        elif not isinstance(strings, pa.Array | pa.ChunkedArray):
            strings = pa.array(strings, pa.large_string())
        if isinstance(strings, pa.ChunkedArray):
            strings = strings.combine_chunks()
        if isinstance(strings, pa.ChunkedArray):  # no chunks at all
            strings = pa.array([], pa.large_string())
        strings = strings.cast(pa.large_string())
        if strings.null_count:
            strings = strings.fill_null("")
        _, places, content = strings.buffers()
        offsets = np.frombuffer(places, np.int64)[strings.offset : strings.offset + len(strings) + 1]
        first, last = (int(offsets[0]), int(offsets[-1])) if len(strings) else (0, 0)
        data = blank(last - first)
        if last > first:
            data[: last - first] = np.frombuffer(content, np.uint8, last - first, first)
        offsets = offsets - first
        return cls(data, offsets[:-1], offsets[1:])

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, rows: slice | Ints) -> Texts:
        return Texts(self.data, self.starts[rows], self.ends[rows])

    def to_series(self) -> pl.Series:
        """The strings as a Polars column; they must be UTF-8."""
        lengths = self.ends - self.starts
        offsets = np.zeros(len(self) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        packed = blank(int(offsets[-1]))
        _pack(self.data, self.starts, self.ends, packed)
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(packed)]
        series = pl.from_arrow(pa.LargeStringArray.from_buffers(len(self), *buffers[1:]))
        assert isinstance(series, pl.Series)
        return series


def blank(size: int) -> Bytes:
    """A buffer of zeros for ``size`` bytes of `Texts`, with the padding that they need."""
    return np.zeros((size + 15) // 8 * 8, np.uint8)


class Interner:
    """Gives every distinct byte string an id, counting from 0 in order of first appearance.

    >>> interner = Interner()
    >>> interner.ids(Texts.of(["a", "b", "a"])).tolist(), len(interner), interner.strings().to_list()
    ([0, 1, 0], 2, ['a', 'b'])
    """

    def __init__(self) -> None:
        self._slots = np.full(1 << 10, -1, np.int32)
        self._entries = np.zeros(1 << 8, _ENTRY)
        self._store = np.zeros(1 << 10, np.uint64)
        self._state = np.zeros(2, np.int64)  # number of strings, number of 8-byte words in the store

    def __len__(self) -> int:
        return int(self._state[0])

    @property
    def nbytes(self) -> int:
        """Bytes of memory that all strings take."""
        return len(self) * (_ENTRY.itemsize + 8) + int(self._state[1]) * 8

    @property
    def sizes(self) -> Ints:
        """Bytes of memory that each string takes."""
        return self._entries["length"][: len(self)] + (_ENTRY.itemsize + 8)

    def ids(self, texts: Texts) -> Ids:
        """The id of every string, int32; new strings get the next ids."""
        out = np.empty(len(texts), np.int32)
        words = texts.data.view(np.uint64)
        done = 0
        while True:
            done = _intern(
                words, texts.starts, texts.ends, self._slots, self._entries, self._store, self._state, done, out
            )
            if done == len(texts):
                return out
            self._grow(int(texts.ends[done] - texts.starts[done]))

    def _grow(self, length: int) -> None:
        count, used = map(int, self._state)
        if 2 * (count + 1) > len(self._slots):
            self._slots = np.full(2 * len(self._slots), -1, np.int32)
            _rehash(self._slots, self._entries, count)
        if count == len(self._entries):
            self._entries = grown(self._entries, count + 1)
        self._store = grown(self._store, used + (length + 7) // 8 + 1)

    def texts(self, first: int = 0) -> Texts:
        """The strings with ids from ``first`` on, in order of their ids; their bytes are not copied."""
        return self.take(slice(first, len(self)))

    def take(self, ids: slice | Ids | Ints) -> Texts:
        """The strings with these ids; their bytes are not copied."""
        entries = self._entries[ids]
        starts = entries["place"] * 8
        return Texts(self._store.view(np.uint8), starts, starts + entries["length"])

    def strings(self, first: int = 0) -> pl.Series:
        """The strings with ids from ``first`` on, as text."""
        return self.texts(first).to_series()


def grown(array: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    """The array, or a copy with at least twice its length if it has fewer than ``size`` values."""
    if size <= len(array):
        return array
    larger = np.zeros((max(size, 2 * len(array)), *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger


def ranges(starts: Ints, counts: Ints) -> Ints:
    """For every ``i`` in order the ``counts[i]`` integers ``starts[i], starts[i] + 1, …``, concatenated."""
    places: Ints = np.arange(int(counts.sum())) + np.repeat(starts - (np.cumsum(counts) - counts), counts)
    return places


@numba.njit(cache=True, nogil=True, inline="always")
def _word(words, place, left):  # type: ignore[no-untyped-def]
    """The eight bytes from byte ``place`` on as an integer; bytes after the first ``left`` are zero."""
    shift = np.uint64((place & 7) * 8)
    word = words[place >> 3] >> shift
    if shift and left > 8 - (place & 7):
        word |= words[(place >> 3) + 1] << (np.uint64(64) - shift)
    if left < 8:
        word &= (np.uint64(1) << np.uint64(left * 8)) - np.uint64(1)
    return word


@numba.njit(cache=True, nogil=True)
def _intern(words, starts, ends, slots, entries, store, state, begin, out):  # type: ignore[no-untyped-def]
    """Write the ids of the strings from ``begin`` on to ``out``.

    Returns the number of strings that are done; it is smaller than their number when an array is full.
    """
    count, used = state[0], state[1]
    mask = len(slots) - 1
    for row in range(begin, len(starts)):
        start, length = starts[row], ends[row] - starts[row]
        code = np.uint64(length)
        for at in range(0, length, 8):
            code = (code ^ _word(words, start + at, length - at)) * _HASH
            code ^= code >> np.uint64(32)
        slot = np.int64(code & np.uint64(mask))
        string = -1
        while slots[slot] >= 0:
            entry = entries[slots[slot]]
            if entry.hash == code and entry.length == length:
                same = True
                for at in range(0, length, 8):
                    if store[entry.place + (at >> 3)] != _word(words, start + at, length - at):
                        same = False
                        break
                if same:
                    string = slots[slot]
                    break
            slot = (slot + 1) & mask
        if string < 0:
            need = (length + 7) >> 3
            if 2 * (count + 1) > len(slots) or count == len(entries) or used + need + 1 > len(store):
                state[0], state[1] = count, used
                return row
            string = count
            entries[string].hash, entries[string].place, entries[string].length = code, used, length
            for at in range(0, length, 8):
                store[used + (at >> 3)] = _word(words, start + at, length - at)
            slots[slot] = string
            used += need
            count += 1
        out[row] = string
    state[0], state[1] = count, used
    return len(starts)


@numba.njit(cache=True, nogil=True)
def _rehash(slots, entries, count):  # type: ignore[no-untyped-def]
    mask = len(slots) - 1
    for i in range(count):
        slot = np.int64(entries[i].hash & np.uint64(mask))
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = i


@numba.njit(cache=True, nogil=True)
def _pack(data, starts, ends, out):  # type: ignore[no-untyped-def]
    place = 0
    for row in range(len(starts)):
        for i in range(starts[row], ends[row]):
            out[place] = data[i]
            place += 1
