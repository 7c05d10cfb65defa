"""The inventory of RADAR's day files: files are read side by side, figures are merged in their order.

Nothing but the block that each thread works on is held, so that the memory depends on neither the
number nor the size of the files. The kernels let go of the interpreter's lock: threads are enough.
"""

from __future__ import annotations

import os
import threading
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from logradar.core.errors import InputError, TableError
from logradar.core.filenames import readable
from logradar.core.progress import Progress
from logradar.core.quarantine import Quarantine
from logradar.core.tables import conform
from logradar.pipeline.inventory.calendar import add_shares, by_day, dated, missing
from logradar.pipeline.inventory.cases import in_order
from logradar.sources.opening.labels import Labels
from logradar.sources.radar.dated import DATED_SESSIONS, day_of, runs
from logradar.sources.radar.faults import Example
from logradar.sources.radar.statistics import Statistics, statistics_of

THREADS: Final = 4  # each needs 40 to 60 MB, and all of it is to stay below 600 MB
LISTED: Final = 20  # names in a short list
AROUND: Final = 60  # bytes before and behind one that does not fit


@dataclass(frozen=True)
class DayFile:
    """One day file, and what it is called."""

    path: Path
    name: str

    @property
    def day(self) -> str:
        """The date in its name, else the name up to its first dot: what the session keys begin with."""
        return day_of(Path(self.name).name)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self.path.stat().st_size if self.path.exists() else 0


def day_files(paths: Sequence[Path], names: dict[Path, str]) -> list[DayFile]:
    """The files under names that are short and tell them apart: their paths below the folder that all are in."""
    parents = {path.parent for path in paths}
    alike = parents and len({parent.is_absolute() for parent in parents}) == 1
    top = Path(os.path.commonpath(parents)) if alike else Path()
    return [DayFile(path, readable(names.get(path, path.relative_to(top).as_posix()))) for path in paths]


def inventory_of_days(files: Sequence[DayFile], quarantine: Quarantine, labels: Labels | None = None) -> dict[str, Any]:
    """Everything about the sessions of day files that can be said without templates.

    Raises `DataError` when labels are given and match no session.
    """
    truth: Counter[bool | None] = Counter()
    whole = Statistics()
    for found in _counted(files, quarantine, truth, labels):
        whole.merge(found)
    if labels and not labels.matched:
        raise labels.unmatched()
    if not labels:
        truth[None] = whole.sessions
    return _document(whole, files, truth)


def inventory_of_prepared(shards: Sequence[Path], labels: Labels | None = None) -> dict[str, Any]:
    """The same of Parquet files of DATED_SESSIONS: what was kept of day files when they were prepared."""
    truth: Counter[bool | None] = Counter()
    whole, one = Statistics(), Statistics()
    with Progress("reading", sum(path.stat().st_size for path in shards), "B") as bar:
        for table, size in _stored(shards):
            for part in runs(table, "source"):
                name = part["source"][0].as_py()
                if name != one.name:
                    whole.merge(one.closed())
                    one = Statistics(name)
                one.add(part)
                one.bytes += round(size * part.num_rows / table.num_rows)
            told = labels.join(table.select(["session_key", "label"])) if labels else table
            truth.update(_values(told["label"]))
            bar.advance(size)
    whole.merge(one.closed())
    if labels and not labels.matched:
        raise labels.unmatched()
    return _document(whole, day_files([Path(row["file"]) for row in whole.files], {}), truth)


def _stored(shards: Sequence[Path]) -> Iterator[tuple[pa.Table, float]]:
    """Row groups, and how many bytes of their file each may have."""
    for path in shards:
        try:
            with pq.ParquetFile(path) as file:
                for group in range(file.num_row_groups):
                    table = conform(file.read_row_group(group), DATED_SESSIONS).combine_chunks()
                    yield table, path.stat().st_size / file.num_row_groups
        except (pa.ArrowInvalid, TableError, OSError) as error:
            why = str(error).partition("\n")[0]
            raise InputError(f"'{path}' is damaged ({why}); prepare the input again.") from None


def _counted(
    files: Sequence[DayFile], quarantine: Quarantine, truth: Counter[bool | None], labels: Labels | None
) -> Iterator[Statistics]:
    """Figures of each file in their order; only a few are worked on, or wait for their turn, at a time."""
    one = threading.Lock()
    total = sum(file.size for file in files)
    threads = max(1, min(_cores(), THREADS, len(files)))
    with Progress("reading", total, "B") as bar, ThreadPoolExecutor(threads) as pool:

        def advance(count: int) -> None:
            with one:
                bar.advance(count)

        def count(file: DayFile) -> Statistics:
            def count_table(table: pa.Table) -> None:
                if labels:
                    told = _labels_of(table, file.day, labels)
                    with one:
                        truth.update(told)

            return statistics_of(file.path, quarantine, advance, name=file.name, on_table=count_table)

        ahead: deque[Future[Statistics]] = deque()
        try:
            for file in files:
                ahead.append(pool.submit(count, file))
                if len(ahead) > threads:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for waiting in ahead:
                waiting.cancel()


def _labels_of(table: pa.Table, day: str, labels: Labels) -> Counter[bool | None]:
    keys = pc.binary_join_element_wise(day, table["session_id"].cast(pa.string()), "/")
    joined = labels.join(pa.table({"session_key": keys, "label": pa.nulls(len(keys), pa.bool_())}))
    return _values(joined["label"])


def _values(column: pa.ChunkedArray) -> Counter[bool | None]:
    return Counter({pair["values"]: pair["counts"] for pair in column.value_counts().to_pylist()})


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _document(whole: Statistics, files: Sequence[DayFile], truth: Counter[bool | None]) -> dict[str, Any]:
    found = whole.report()
    rows = [
        {**row, "file": file.name, "day": file.day, "files": 1, "new_templates": row["new_events"]}
        for row, file in zip(found["days"], files, strict=True)
    ]
    days = by_day(rows)
    named = dated(row["day"] for row in days)
    lengths, words = found["sequence_length"], found["vocabulary"]
    kinds = in_order(found["faults"])
    for kind in kinds:
        examples = zip(kind["examples"], whole.faults.reasons[kind["reason"]].examples, strict=True)
        kind["examples"] = [{**told, "near": near(example)} for told, example in examples]
    keys = {row["key"]: row["sessions"] for row in found["keys"]}
    told = {name: keys[f"has_{name}"] > 0 for name in ("error", "warn")}
    for row in [*found["by_service"], *days]:
        row.update({f"with_{name}": None for name, known in told.items() if not known})
        add_shares(row)
    return {
        "records": found["records"],
        "quarantined": sum(kind["count"] for kind in kinds),
        "lost": found["lost"],
        "faults": {kind["reason"]: kind["count"] for kind in kinds},
        "filled": {key: round(count / max(whole.sessions, 1), 4) for key, count in keys.items() if key != "(others)"},
        "from": named[0] if named else None,
        "until": named[-1] if named else None,
        "services": _most((row["service"], row["records"]) for row in found["by_service"]),
        "levels": {},
        "files": {row["file"]: row["records"] for row in rows},
        "templates": words["size"],
        "sessions": found["sessions"],
        "distinct_sequences": found["distinct_sequences"],
        "session_length": {name: lengths[name] for name in ("mean", "min", "median", "max")},
        "days": (date.fromisoformat(named[-1]) - date.fromisoformat(named[0])).days + 1.0 if named else None,
        "labels": {"normal": truth[False], "anomalous": truth[True], "unknown": truth[None]},
        "file_count": len(files),
        "bytes": found["bytes"],
        "with_error": whole.with_error if told["error"] else None,
        "error_share": found["with_error"] if told["error"] else None,
        "with_warn": whole.with_warn if told["warn"] else None,
        "warn_share": found["with_warn"] if told["warn"] else None,
        "duplicate_sessions": found["duplicate_sessions"],
        "repeated_session_ids": found["repeated_session_ids"],
        "counted_exactly": found["counted_exactly"],
        "length_quantiles": {name: lengths[name] for name in ("p90", "p99")},
        "length_histogram": lengths["histogram"],
        "by_service": found["by_service"],
        "by_day": days,
        **missing(named),
        "vocabulary": {"of": "event ids", "over": "sessions", **words},
        "keys": found["keys"],
        "padded_length": found["padded_length"],
        "by_file": [
            {name: row[name] for name in ("file", "day", "bytes", "sessions", "records", "lost", "faults")}
            for row in rows
        ],
        "fault_kinds": kinds,
    }


def _most(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    return dict(sorted(pairs, key=lambda pair: -pair[1])[:LISTED])


def near(example: Example) -> str:
    """The text around the byte that does not fit, where it stands further on in the kept text."""
    text, place = example.text.encode(), example.place - example.offset
    if not AROUND < place < len(text) or "\ufffd" in example.text:
        return ""
    return text[place - AROUND : place + AROUND].decode(errors="ignore")
