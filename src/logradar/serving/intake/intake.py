"""Intake: frames of the write-ahead log in, rows in the order of their clocks out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import polars as pl
import pyarrow as pa

from logradar.core.quarantine import Quarantine
from logradar.serving.intake.merging import Merging
from logradar.serving.intake.rows import ROWS
from logradar.serving.intake.sender import Sender
from logradar.sources.opening.opening import InputSettings

SENDERS: Final = 2_000  # that are known at once; beyond, the one that was quiet longest is forgotten


class Intake:
    """Reads what all senders deliver; ``expected`` is the format of the training logs, ``lateness`` is in ticks.

    `push` is called once for each tick of the log, with what arrived before it.
    """

    def __init__(
        self, settings: InputSettings, expected: str | None, lateness: int, quarantine: Quarantine | None = None
    ) -> None:
        self._settings, self._expected = settings, expected
        self.quarantine = quarantine or Quarantine()
        self._senders: dict[str, Sender] = {}  # the one that was quiet longest comes first
        self._merging = Merging(lateness)
        self._arrivals = 0
        self.ticks = 0

    @property
    def arrivals(self) -> int:
        """How many have been read."""
        return self._arrivals

    @property
    def senders(self) -> int:
        """How many senders are known."""
        return len(self._senders)

    def push(self, frames: Sequence[tuple[int, pa.Table]]) -> pl.DataFrame:
        """Rows of `ROWS` that are due at the next tick; ``frames`` are arrival times and ARRIVALS from before it."""
        parts = [self._numbered(table, time) for time, table in frames]
        self.ticks += 1
        found: list[pl.DataFrame] = []
        arrived: list[str] = []
        if parts:
            rows = pl.concat(parts) if len(parts) > 1 else parts[0]
            for (name,), part in rows.partition_by("stream", maintain_order=True, as_dict=True).items():
                arrived.append(str(name))
                found += self._sender(str(name)).push(part)
        for sender in list(self._senders.values()):
            found += sender.tick(self.ticks)
        while len(self._senders) > SENDERS:
            oldest = self._senders.pop(next(iter(self._senders)))
            found += oldest.flush() if oldest.waiting else []
        return self._merging.push(pl.concat(found) if found else pl.DataFrame(schema=ROWS), self.ticks, arrived)

    def close(self) -> pl.DataFrame:
        """All rows that are held back: the input is at its end."""
        found = [frame for sender in self._senders.values() if sender.waiting for frame in sender.flush()]
        rows = self._merging.push(pl.concat(found) if found else pl.DataFrame(schema=ROWS), self.ticks)
        rest = self._merging.close()
        return pl.concat([rows, rest])

    def _numbered(self, table: pa.Table, time: int) -> pl.DataFrame:
        count = len(table)
        texts = pl.DataFrame(table).with_columns(pl.col(pl.Categorical).cast(pl.String))
        rows = texts.rename({"session_key": "trace"}).with_columns(
            pl.int_range(self._arrivals, self._arrivals + count, eager=True).alias("seq"),
            pl.lit(time, pl.Int64).alias("arrived"),
            pl.lit(self.ticks, pl.Int64).alias("tick"),
        )
        self._arrivals += count
        return rows

    def _sender(self, name: str) -> Sender:
        found = self._senders.pop(name, None) or Sender(name, self._settings, self._expected, self.quarantine)
        self._senders[name] = found
        return found

    def state(self) -> tuple[dict[str, Any], dict[str, pa.Table]]:
        """The state: JSON values, and tables by name."""
        merging, tables = self._merging.state()
        values = {
            "senders": [sender.state() for sender in self._senders.values()],
            "merging": merging,
            "arrivals": self._arrivals,
            "ticks": self.ticks,
        }
        return values, tables

    def restore(self, values: dict[str, Any], tables: dict[str, pa.Table]) -> None:
        """Take over what `state` gave. Raises `KeyError`, `TypeError` or `ValueError` where it is none."""
        senders = [Sender.restore(one, self._settings, self._expected, self.quarantine) for one in values["senders"]]
        self._senders = {sender.name: sender for sender in senders}
        self._merging.restore(values["merging"], tables)
        self._arrivals, self.ticks = int(values["arrivals"]), int(values["ticks"])
