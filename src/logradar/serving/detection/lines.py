"""Lines: every log record that the service has read, as Parquet files that can be searched.

Records are collected and written in parts. Parts that were written after the last snapshot belong to a state that a
crash has undone, so they are deleted at the start, and written again as the log is read again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson
import polars as pl

from logradar.core.files import draft_of
from logradar.core.progress import say
from logradar.core.tables import LEVELS
from logradar.serving.intake.rows import ROWS

COLUMNS: Final = (
    "seq",
    "arrived",
    "stream",
    "line",
    "timestamp",
    "service",
    "level",
    "component",
    "body",
    "trace",
    "key",
)
_SCHEMA: Final = {**{name: ROWS[name] for name in COLUMNS[:-1]}, "key": pl.String()}  # of the session
PART: Final = 100_000  # rows of one file
_SEARCHED: Final = 2_000_000  # rows that one search looks at, at most


class LineStore:
    """The lines in ``folder``; one thread adds, others search."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._new: list[pl.DataFrame] = []
        self._count = 0
        self.next = 0  # the number of the next part
        self._lock = threading.Lock()
        self._damaged: set[Path | None] = set()  # files of which that was said

    def keep(self) -> None:
        """Go on behind all parts: what they hold cannot be read again from the log."""
        with self._lock:
            known = max((int(path.stem) for path in self._parts()), default=-1)
            self._new, self._count, self.next = [], 0, known + 1

    def begin(self, part: int) -> None:
        """Forget the parts from this number on, which lie behind the snapshot, and go on with it."""
        for path in self._parts():
            if int(path.stem) >= part:
                path.unlink()
        with self._lock:
            self._new, self._count, self.next = [], 0, part

    def add(self, rows: pl.DataFrame) -> None:
        """Add rows of `ROWS` with the ``key`` of their session; they are written once they are many."""
        if not len(rows):
            return
        with self._lock:
            self._new.append(rows.select(COLUMNS))
            self._count += len(rows)
        if self._count >= PART:
            self.write()

    def write(self) -> None:
        """Write what was added since the last part. Raises `OSError`."""
        with self._lock:
            rows = pl.concat(self._new) if self._new else None
        if rows is None:
            return
        path = self._folder / f"{self.next:012d}.parquet"
        with draft_of(path) as draft:
            rows.write_parquet(draft, compression="zstd", row_group_size=20_000)
        with self._lock:
            self._new, self._count, self.next = [], 0, self.next + 1

    def size(self) -> int:
        """Bytes of the files."""
        return sum(path.stat().st_size for path in self._parts())

    def forget(self, before: int, most_bytes: int | None = None) -> int:
        """Delete parts that arrived before a moment (microseconds), and the oldest beyond ``most_bytes``."""
        parts, gone = self._parts(), 0
        sizes = [path.stat().st_size for path in parts]
        over = sum(sizes) - most_bytes if most_bytes is not None else 0
        for path, size in zip(parts, sizes, strict=True):
            last = self._read(path, pl.scan_parquet(path).select(pl.col("arrived").max()))
            arrived = path.stat().st_mtime_ns // 1_000 if last is None else int(last.item() or 0)
            old = arrived < before
            if not old and over <= 0:
                break
            path.unlink()
            over, gone = over - size, gone + 1
        return gone

    def search(
        self,
        text: str = "",
        *,
        service: str | None = None,
        trace: str | None = None,
        level: int | None = None,
        since: int | None = None,
        until: int | None = None,
        limit: int = 100,
    ) -> list[dict[str, Any]]:
        """The newest records that hold ``text`` (any case) and fit the rest, newest first; times in microseconds."""
        moment = pl.coalesce(pl.col("timestamp").dt.epoch("us"), "arrived")
        fits = pl.lit(True)
        if text:
            fits &= pl.col("body").str.to_lowercase().str.contains(text.lower(), literal=True)
        fits &= pl.col("service") == service if service is not None else pl.lit(True)
        if trace is not None:
            fits &= (pl.col("trace") == trace) | (pl.col("key") == trace)
        fits &= pl.col("level") >= level if level is not None else pl.lit(True)
        fits &= moment >= since if since is not None else pl.lit(True)
        fits &= moment < until if until is not None else pl.lit(True)
        found: list[dict[str, Any]] = []
        looked = 0
        for path, part in self._newest_first():
            count = self._read(path, part.select(pl.len()))
            rows = self._read(path, part.filter(fits).sort("seq", descending=True).head(limit - len(found)))
            if count is None or rows is None:
                continue
            found += [_row(row) for row in rows.to_dicts()]
            looked += count.item()
            if len(found) >= limit or looked >= _SEARCHED:
                break
        return found

    def export(self, path: Path, *, since: int | None = None) -> int:
        """Write all records, in their order, as JSON lines that `logradar train` reads; returns how many.

        ``since`` leaves out what arrived before that moment (microseconds).
        """
        count = 0
        names = {number: name for name, number in LEVELS.items()}
        with draft_of(path) as draft, draft.open("wb") as file:
            for part_path, part in reversed(list(self._newest_first())):
                asked = part if since is None else part.filter(pl.col("arrived") >= since)
                rows = self._read(part_path, asked.sort("seq"))
                for row in () if rows is None else rows.iter_rows(named=True):
                    level = row["level"]
                    said = {
                        "timestamp": row["timestamp"].isoformat() if row["timestamp"] else None,
                        "level": None if level is None else names[(level - 1) // 4 * 4 + 1],
                        "service": row["service"],
                        "logger": row["component"],
                        "message": row["body"],
                        "trace_id": row["trace"],
                    }
                    file.write(orjson.dumps({name: one for name, one in said.items() if one is not None}) + b"\n")
                    count += 1
        return count

    def _newest_first(self) -> Iterator[tuple[Path | None, pl.LazyFrame]]:
        with self._lock:
            fresh = pl.concat(self._new) if self._new else pl.DataFrame(schema=_SCHEMA)
            end = self.next  # what is fresh now may become this part meanwhile
        yield None, fresh.lazy()
        for path in reversed(self._parts()):
            if int(path.stem) < end and path.exists():
                yield path, pl.scan_parquet(path)

    def _read(self, path: Path | None, asked: pl.LazyFrame) -> pl.DataFrame | None:
        """What is asked of a part; None where its file is damaged (said once) or was forgotten meanwhile."""
        try:
            return asked.collect()
        except FileNotFoundError:
            return None
        except (pl.exceptions.PolarsError, OSError) as error:
            if path not in self._damaged:
                self._damaged.add(path)
                say(f"'{path}' is damaged, and the lines in it are passed over ({str(error)[:200]}).")
            return None

    def _parts(self) -> list[Path]:
        return sorted(path for path in self._folder.glob("*.parquet") if path.stem.isdecimal())


def _row(row: dict[str, Any]) -> dict[str, Any]:
    moment = row["timestamp"]
    return {**row, "timestamp": moment.isoformat() if moment else None}
