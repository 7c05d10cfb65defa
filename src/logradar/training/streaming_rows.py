"""Rows that do not fit in memory: read block by block from disk, shuffled inside each block.

A block is the shuffle buffer: a number of samples that are neighbours on disk. Sequences that were counted on disk
are stored in the order of their hashes, so neighbours have nothing in common. Seed and epoch decide the order of the
blocks and the order of the rows in a block.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from logradar.core.distinct import Distinct
from logradar.core.progress import Progress
from logradar.core.sequences import Sequences
from logradar.training.counter_rng import draws
from logradar.training.rows import Batch, Rows

Ints = npt.NDArray[np.int64]
Place = list[int]  # epoch, turn, block, batch in the block; `_PAD` for a batch of weight 0
_PAD: Final = -1


class StoredRows:
    """The rows that ``make`` creates from distinct sequences on disk, ``buffer`` sequences at a time.

    Weights are made similar as in `Rows.even`, over all blocks together. A sequence so frequent that it could fill
    a block is in every block, each time with its share of the count: there are fewer such sequences than a block
    holds, so the size of a block is bounded. Two passes over the data count the rows and the batches of ``size``
    rows, because the length of an epoch must be known.
    """

    def __init__(self, source: Distinct, make: Callable[[Sequences], Rows], buffer: int, size: int) -> None:
        self.source, self.make, self.buffer, self.size = source, make, buffer, size
        self.blocks = -(-len(source) // buffer)
        self.frequent = Sequences.from_lists([])
        self.mean: float | None = None
        count, total, self.weight = 0, 0.0, 0.0
        with Progress("looking through the samples", 2 * self.blocks, "blocks") as bar:
            for block in range(self.blocks):
                part = self._part(block)
                self.frequent = self.frequent.concat(_kept(part, self._frequent(part)))
                rows = self.make(part)
                count, self.weight = count + len(rows), self.weight + rows.weight
                total += float(rows.weights.sum(dtype=np.float64))
                bar.advance()
            self.mean = total / max(count, 1)
            self.rows, self.batches = 0, np.zeros(self.blocks, np.int64)
            for block in range(self.blocks):
                rows = self.block(block)
                self.rows += len(rows)
                self.batches[block] = len(rows.batches(size))
                bar.advance()

    def __len__(self) -> int:
        return self.rows

    def block(self, number: int) -> Rows:
        """The rows of one block and its share of the frequent sequences, with similar weights."""
        part = self._part(number)
        shares = self.frequent.counts // self.blocks + (number < self.frequent.counts % self.blocks)
        frequent = Sequences(self.frequent.values, self.frequent.offsets, shares, self.frequent.inverse)
        return self.make(_kept(part, ~self._frequent(part)).concat(frequent)).even(self.mean)

    def _part(self, number: int) -> Sequences:
        return self.source.part(number * self.buffer, min((number + 1) * self.buffer, len(self.source)))

    def _frequent(self, part: Sequences) -> npt.NDArray[np.bool_]:
        # More than a mean weight for every block: at most one sequence in `blocks` can have that.
        often: npt.NDArray[np.bool_] = part.counts > self.blocks * self.source.total / len(self.source)
        return often

    def sample(self) -> Rows:
        """The rows of the first block: a random sample, because sequences are in the order of their hashes."""
        return self.block(0)

    def fingerprint(self) -> str:
        """A hash of the numbers of rows and batches, their weight, and the first and last block."""
        ends = [self.block(number).fingerprint() for number in {0, self.blocks - 1}] if self.blocks else []
        return hashlib.sha256(
            f"{self.rows} {self.weight!r} {self.batches.tolist()} {sorted(ends)}".encode()
        ).hexdigest()


class StoredOrder:
    """Which process and worker reads which batch at which time; it depends on seed and epoch only.

    All batches, block after block, are divided into lanes of equal length, one for each worker of each of ``ranks``
    processes. So a worker reads few blocks, and only one worker reads a row. The last lanes are filled up with
    batches of weight 0. A resumed training skips batches without reading them. An epoch has at least ``least``
    batches.
    """

    drop_last = False
    batch_size = None

    def __init__(
        self, data: StoredRows, size: int, least: int, seed: int, rank: int = 0, ranks: int = 1, workers: int = 0
    ) -> None:
        self.data, self.seed, self.rank, self.epoch = data, seed, rank, 0
        self.workers = max(workers, 1)
        self.lane = -(-int(data.batches.sum()) // (ranks * self.workers))
        self.batches = self.lane * ranks * self.workers
        self.passes = max(-(-least // max(self.lane * self.workers, 1)), 1)
        self.rows = len(data) * self.passes

    @property
    def batch_sampler(self) -> StoredOrder:
        """Itself, because the `Trainer` calls `set_epoch` here."""
        return self

    def __len__(self) -> int:
        return self.lane * self.workers * self.passes

    def __iter__(self) -> Iterator[Place]:
        for turn in range(self.passes):
            order = np.random.default_rng((self.seed, self.epoch, turn)).permutation(self.data.blocks)
            first = self.rank * self.workers
            lanes = [self._lane(order, number, turn) for number in range(first, first + self.workers)]
            for _ in range(self.lane):
                for lane in lanes:  # the loader gives its batches to the workers in turn
                    yield next(lane)

    def _lane(self, order: Ints, number: int, turn: int) -> Iterator[Place]:
        ends = np.cumsum(self.data.batches[order])
        place, stop = number * self.lane, (number + 1) * self.lane
        at = int(np.searchsorted(ends, place, side="right"))
        while place < stop and at < len(order):
            block = int(order[at])
            inside = place - int(ends[at] - self.data.batches[block])
            for batch in range(inside, min(int(self.data.batches[block]), inside + stop - place)):
                yield [self.epoch, turn, block, batch]
                place += 1
            at += 1
        while place < stop:
            yield [self.epoch, turn, int(order[-1]), _PAD]
            place += 1

    def set_epoch(self, epoch: int) -> None:
        """The `Trainer` calls this at the start of each epoch."""
        self.epoch = epoch


class BlockReader:
    """Reads the batch at a place of a `StoredOrder`, with a random number for each row (``draws``); keeps one block."""

    def __init__(self, data: StoredRows, seed: int) -> None:
        self.data, self.seed = data, seed
        self._held: Place = []
        self._rows: Any = None
        self._index: list[Ints] = []

    def __call__(self, place: Place) -> Batch:
        epoch, turn, block, number = place
        if self._held[-1:] != [block]:
            self._rows = self.data.block(block)
        if self._held != [epoch, turn, block]:
            self._held = [epoch, turn, block]
            self._index = self._rows.batches(self.data.size, (self.seed, epoch, turn, block))
        index = self._index[max(number, 0)]
        batch: Batch = self._rows.batch(index) | {"draws": draws(index, self.seed, epoch, turn, block)}
        if number == _PAD:
            batch["weights"] = np.zeros_like(batch["weights"])
        return batch


def _kept(part: Sequences, mask: npt.NDArray[np.bool_]) -> Sequences:
    kept = part.take(np.flatnonzero(mask))
    return Sequences(kept.values, kept.offsets, part.counts[mask], kept.inverse)
