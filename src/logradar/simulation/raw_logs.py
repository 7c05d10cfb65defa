"""Simulate raw logs of any size: some days are simulated, then the same days are repeated with later dates."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from logradar.core.errors import InputError
from logradar.core.progress import Progress
from logradar.simulation.blocks import SIZE, Block, write_whole
from logradar.simulation.folder import LABELS_APART, take, write_mark
from logradar.simulation.journal import LABELS
from logradar.simulation.settings import LineSettings, ShopSettings
from logradar.simulation.simulate import Simulation, simulate
from logradar.simulation.traffic import WEEK
from logradar.sources.simulated import FILES, read_mark

DISTINCT: Final = 64 << 20  # bytes that are simulated; the rest of a larger size repeats them
LINE: Final = 112  # bytes of a line, on average


def simulate_lines(folder: Path, *, settings: LineSettings | None = None) -> Simulation:
    """Write raw logs of about ``settings.size`` bytes; without a size, what `simulate` writes.

    Up to `DISTINCT` bytes are simulated; then the same days are repeated as later days with
    new trace ids, as often as the size needs. Every session stays whole and keeps its label; all
    labels are in ``session_labels.csv``. ``origins.parquet`` covers the simulated days only.

    Raises `InputError` as `simulate` does.
    """
    settings = settings or LineSettings()
    shop = ShopSettings(**settings.model_dump(exclude={"size"}, exclude_unset=True))
    if not settings.size:
        return simulate(folder, settings=shop)
    take(folder, settings, settings.size)
    if "lines_per_day" not in settings.model_fields_set:
        distinct = settings.size / math.ceil(settings.size / DISTINCT)
        shop = shop.model_copy(update={"lines_per_day": max(1_000, int(distinct / LINE / _working_days(shop)))})
    first = simulate(folder, settings=shop)
    mark = read_mark(folder) or {}
    write_mark(folder, settings, complete=False)
    try:
        times = max(1, round(settings.size / sum((folder / name).stat().st_size for name in FILES.values())))
        _repeat(folder, settings.size, math.ceil(shop.days), times)
    except OSError as error:
        raise InputError(f"The simulation stopped, '{folder}' cannot be written: {error.strerror}.") from None
    grown = replace(
        first,
        lines={name: count * times for name, count in first.lines.items()},
        records=first.records * times,
        sessions=first.sessions * times,
        faults={name: count * times for name, count in first.faults.items()},
    )
    facts = {name: fact for name, fact in grown.to_json().items() if name != "folder"}
    write_mark(folder, settings, complete=True, **facts, times=times, episodes=mark.get("episodes", []))
    return grown


def _working_days(shop: ShopSettings) -> float:
    """The number of working days that have the same total load as the days of the simulation."""
    whole, part = divmod(shop.days, 1)
    loads = [WEEK[(shop.start.weekday() + day) % 7] for day in range(int(whole) + 1)]
    return sum(loads[:-1]) + loads[-1] * part


def _repeat(folder: Path, size: int, days: int, times: int) -> None:
    """Append copies of the logs and labels, ``times - 1`` times, each copy ``days`` later than the one before."""
    (folder / LABELS).rename(folder / LABELS_APART)
    with Progress("writing", size, "B") as bar:
        for name in FILES.values():
            path = folder / name
            bar.advance(path.stat().st_size)
            blocks = [Block.of(text) for text in _texts(path, SIZE)]
            with path.open("ab", buffering=0) as file:
                for turn in range(1, times):
                    for block in blocks:
                        block.renew(turn * days, turn)
                        write_whole(file, block.data.data)
                        bar.advance(len(block.data))
    labels = _labels((folder / LABELS_APART).read_bytes())
    with (folder / LABELS_APART).open("ab") as file:
        for turn in range(1, times):
            labels.renew(0, turn)
            file.write(labels.data.data)


def _texts(path: Path, size: int) -> Iterator[bytes]:
    """A file in pieces of whole lines."""
    with path.open("rb") as file:
        while piece := file.read(size):
            yield piece + file.readline()


def _labels(text: bytes) -> Block:
    """The rows of a label file, without its header, as a block."""
    data = np.frombuffer(bytearray(text[text.index(b"\n") + 1 :]), np.uint8)
    rows = np.concatenate([[0], np.flatnonzero(data == ord("\n"))[:-1] + 1]) if len(data) else np.empty(0, np.int64)
    keys = data[rows[:, None] + np.arange(16)].copy().view("S16").ravel()
    nothing = np.empty(0, np.int64)
    return Block(data, nothing, nothing, rows, np.array([int(key, 16) for key in keys], np.uint64))
