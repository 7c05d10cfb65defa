"""Disk column: a number for each record of an input that does not fit in memory."""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np
import numpy.typing as npt


class DiskColumn:
    """``values`` of shape (rows,), zero in the beginning, in a file.

    What was read or written stays mapped, and counts as memory of the process, until `release`; the values stay.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     column = DiskColumn(Path(folder) / "ids.bin", np.int32, 3)
    ...     column.values[1] = 7
    ...     column.release()
    ...     column.values.tolist(), DiskColumn.opened(Path(folder) / "ids.bin", np.int32).values.tolist()
    ([0, 7, 0], [0, 7, 0])
    """

    def __init__(self, path: Path, kind: type[np.generic], rows: int) -> None:
        size = max(rows, 1) * np.dtype(kind).itemsize
        with path.open("w+b") as file:
            file.truncate(size)
            self._map = mmap.mmap(file.fileno(), size)
        self.values: npt.NDArray = np.frombuffer(self._map, kind)

    @classmethod
    def opened(cls, path: Path, kind: type[np.generic]) -> DiskColumn:
        """The column that an earlier one left in the file, to be read only."""
        column = cls.__new__(cls)
        with path.open("rb") as file:
            column._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        column.values = np.frombuffer(column._map, kind)
        return column

    def release(self) -> None:
        """Let go of the memory; the system reads the file again where a value is asked for."""
        if hasattr(self._map, "madvise"):  # not on Windows
            self._map.madvise(mmap.MADV_DONTNEED)
