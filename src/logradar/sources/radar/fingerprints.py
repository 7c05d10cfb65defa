"""Counts equal sessions by 64-bit fingerprints in bounded memory.

Up to ``capacity`` distinct fingerprints all are stored and the counts are exact. If there are more, only those whose
last bit is 0 are stored, then those whose last two bits are 0, and so on, and the counts are estimated from these:
adaptive sampling (Wegman; Flajolet, "On Adaptive Sampling", Computing 43, 1990). The standard error of the number of
distinct sessions is then about 1.2 / sqrt(capacity).
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logradar.core.kernels import kernel

Hashes = npt.NDArray[np.uint64]
CAPACITY: Final = 1 << 20
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
_AGAIN: Final = np.uint64(0xBF58476D1CE4E5B9)
_HALF: Final = np.uint64(32)


class Fingerprints:
    """A multiset of fingerprints that counts how many are distinct.

    >>> prints = Fingerprints()
    >>> prints.add(np.array([1 << 8, 2 << 8, 1 << 8], np.uint64))
    >>> prints.total, prints.distinct, prints.repeated, prints.exact
    (3, 2, 1, True)
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self.total = 0
        self._level = 0
        self._known = np.zeros(0, np.uint64)
        self._new: list[Hashes] = []
        self._waiting = 0

    def add(self, hashes: Hashes) -> None:
        """Count fingerprints."""
        self.total += len(hashes)
        self._take(hashes)

    def merge(self, other: Fingerprints) -> None:
        """Add another multiset to this one."""
        other._settle()
        self.total += other.total
        self._level = max(self._level, other._level)
        self._take(other._known)
        self._settle()

    @property
    def exact(self) -> bool:
        """Whether all fingerprints are stored, so that the counts are exact."""
        self._settle()
        return self._level == 0

    @property
    def distinct(self) -> int:
        """Number of different fingerprints; an estimate unless `exact`."""
        self._settle()
        return min(len(self._known) << self._level, self.total)

    @property
    def repeated(self) -> int:
        """Number of fingerprints that repeat an earlier one."""
        return self.total - self.distinct

    def _take(self, hashes: Hashes) -> None:
        hashes = self._sample(hashes)
        self._new.append(hashes)
        self._waiting += len(hashes)
        if self._waiting >= self.capacity:
            self._settle()

    def _sample(self, hashes: Hashes) -> Hashes:
        return hashes[hashes & np.uint64((1 << self._level) - 1) == 0] if self._level else hashes

    def _settle(self) -> None:
        if self._new:
            merged = np.concatenate([self._sample(self._known), *map(self._sample, self._new)])
            self._known, self._new, self._waiting = merged[:0], [], 0
            merged.sort()  # in place: np.unique would hold it twice
            self._known = merged[: _squeeze(merged)].copy()
        while len(self._known) > self.capacity:
            self._level += 1
            self._known = self._sample(self._known)


def of_integers(values: npt.NDArray[np.int64]) -> Hashes:
    """One fingerprint for each number."""
    mixed = values.astype(np.uint64) * _MIX
    mixed = (mixed ^ mixed >> _HALF) * _AGAIN
    return mixed ^ mixed >> _HALF


def of_sessions(table: pa.Table) -> tuple[Hashes, Hashes]:
    """Two fingerprints for each row of DAY_SESSIONS: of its event sequence, and of all content but id and offset."""
    table = table.combine_chunks()
    if not table.num_rows:
        return np.zeros(0, np.uint64), np.zeros(0, np.uint64)
    events, logs = table["event_sequence"].chunk(0), table["original_logs"].chunk(0)
    service = table["service"].chunk(0)
    names = np.array([_name(name) for name in service.dictionary.to_pylist()] + [1], np.uint64)
    codes = service.indices.fill_null(len(names) - 1).to_numpy(zero_copy_only=False)
    flags = np.zeros(table.num_rows, np.uint64)
    for name in ("has_error", "has_warn"):
        flags = flags * np.uint64(3) + table[name].cast(pa.uint8()).fill_null(2).to_numpy().astype(np.uint64)
    lines = logs.values
    text = lines.buffers()[2]
    sequences = np.empty(table.num_rows, np.uint64)
    wholes = names[codes] ^ of_integers(flags.astype(np.int64))
    _hash_rows(
        events.offsets.to_numpy(),
        np.asarray(events.values),
        logs.offsets.to_numpy(),
        np.frombuffer(lines.buffers()[1], np.int64)[lines.offset :],
        np.frombuffer(text, np.uint8) if text is not None and text.size else np.zeros(0, np.uint8),
        sequences,
        wholes,
    )
    return sequences, wholes


def _name(name: str | None) -> int:
    return int.from_bytes(hashlib.blake2b((name or "").encode(), digest_size=8).digest(), "little")


@kernel
def _squeeze(ordered):  # type: ignore[no-untyped-def]
    """Move the distinct values of a sorted array to its front; returns their number."""
    count = 0
    for value in ordered:
        if not count or value != ordered[count - 1]:
            ordered[count] = value
            count += 1
    return count


@kernel
def _hash_rows(event_ends, events, log_ends, text_ends, text, sequences, wholes):  # type: ignore[no-untyped-def]
    """Hash each row by multiplication and mixing, eight bytes at a time."""
    for row in range(len(sequences)):
        code = (np.uint64(event_ends[row + 1] - event_ends[row]) + _AGAIN) * _MIX  # not near any small id
        code ^= code >> _HALF
        for i in range(event_ends[row], event_ends[row + 1]):
            code = (code ^ np.uint64(events[i])) * _MIX
            code ^= code >> _HALF
        sequences[row] = code
        code = (code ^ wholes[row]) * _AGAIN
        for line in range(log_ends[row], log_ends[row + 1]):
            begin, end = text_ends[line], text_ends[line + 1]
            code = (code ^ np.uint64(end - begin)) * _MIX
            while begin + 8 <= end:
                word = np.uint64(0)
                for k in range(8):
                    word |= np.uint64(text[begin + k]) << np.uint64(8 * k)
                code = (code ^ word) * _MIX
                code ^= code >> _HALF
                begin += 8
            while begin < end:
                code = (code ^ np.uint64(text[begin])) * _MIX
                begin += 1
            code ^= code >> _HALF
        wholes[row] = code * _AGAIN ^ code >> _HALF
