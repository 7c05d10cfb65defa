"""The inventory of RADAR's day files: files are read in parallel, figures are merged in their order.

Only the block that each thread works on is in memory, so that memory depends on neither the
number nor the size of the files. The kernels release the interpreter's lock, so threads are enough.
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
from logradar.sources.opening.labels import Labels, unlabelled
from logradar.sources.radar.dated import DATED_SESSIONS, day_of, runs
from logradar.sources.radar.faults import Example
from logradar.sources.radar.statistics import Statistics, statistics_of

THREADS: Final = 4  # each needs 40 to 60 MB, and the process must stay below 600 MB
LISTED: Final = 20  # names in a short list
AROUND: Final = 60  # bytes shown before and after a faulty one


@dataclass(frozen=True)
class DayFile:
    """One day file and its name for people."""

    path: Path
    name: str

    @property
    def day(self) -> str:
        """The date in its name, else the name up to its first dot; the session keys begin with it."""
        return day_of(Path(self.name).name)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self.path.stat().st_size if self.path.exists() else 0


def day_files(paths: Sequence[Path], names: dict[Path, str]) -> list[DayFile]:
    """The files with short distinct names: their paths below the folder that contains all of them."""
    parents = {path.parent for path in paths}
    comparable = parents and len({parent.is_absolute() for parent in parents}) == 1
    top = Path(os.path.commonpath(parents)) if comparable else Path()
    return [DayFile(path, readable(names.get(path, path.relative_to(top).as_posix()))) for path in paths]


def inventory_of_days(files: Sequence[DayFile], quarantine: Quarantine, labels: Labels | None = None) -> dict[str, Any]:
    """The document about the sessions of day files, which needs no templates.

    Raises `DataError` when labels are given and match no session.
    """
    truth: Counter[bool | None] = Counter()
    whole = Statistics()
    for statistics in _counted(files, quarantine, truth, labels):
        whole.merge(statistics)
    if labels and not labels.matched:
        raise labels.unmatched()
    if not labels:
        truth[None] = whole.sessions
    return _document(whole, files, truth)


def inventory_of_prepared(
    shards: Sequence[Path], labels: Labels | None = None, *, use_labels: bool = True
) -> dict[str, Any]:
    """The same document for Parquet files of DATED_SESSIONS, to which `prepare` writes day files."""
    truth: Counter[bool | None] = Counter()
    whole, current = Statistics(), Statistics()
    with Progress("reading", sum(path.stat().st_size for path in shards), "B") as bar:
        for table, size in _stored(shards):
            for part in runs(table, "source"):
                name = part["source"][0].as_py()
                if name != current.name:
                    whole.merge(current.closed())
                    current = Statistics(name)
                current.add(part)
                current.bytes += round(size * part.num_rows / table.num_rows)
            table = table if use_labels else unlabelled(table)
            labelled = labels.join(table.select(["session_key", "label"])) if labels else table
            truth.update(_values(labelled["label"]))
            bar.advance(size)
    whole.merge(current.closed())
    if labels and not labels.matched:
        raise labels.unmatched()
    return _document(whole, day_files([Path(row["file"]) for row in whole.files], {}), truth)


def _stored(shards: Sequence[Path]) -> Iterator[tuple[pa.Table, float]]:
    """Row groups, each with its share of the file's bytes."""
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
    """Figures of each file in their order; only a few files are read, or wait to be read, at a time."""
    lock = threading.Lock()
    total = sum(file.size for file in files)
    threads = max(1, min(_cores(), THREADS, len(files)))
    with Progress("reading", total, "B") as bar, ThreadPoolExecutor(threads) as pool:

        def advance(count: int) -> None:
            with lock:
                bar.advance(count)

        def count(file: DayFile) -> Statistics:
            def count_table(table: pa.Table) -> None:
                if labels:
                    counts = _labels_of(table, file.day, labels)
                    with lock:
                        truth.update(counts)

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
    report = whole.report()
    rows = [
        {**row, "file": file.name, "day": file.day, "files": 1, "new_templates": row["new_events"]}
        for row, file in zip(report["days"], files, strict=True)
    ]
    days = by_day(rows)
    dates = dated(row["day"] for row in days)
    lengths, words = report["sequence_length"], report["vocabulary"]
    kinds = in_order(report["faults"])
    for kind in kinds:
        examples = zip(kind["examples"], whole.faults.reasons[kind["reason"]].examples, strict=True)
        kind["examples"] = [{**shown, "near": near(example)} for shown, example in examples]
    keys = {row["key"]: row["sessions"] for row in report["keys"]}
    known = {name: keys[f"has_{name}"] > 0 for name in ("error", "warn")}
    for row in [*report["by_service"], *days]:
        row.update({f"with_{name}": None for name, is_known in known.items() if not is_known})
        add_shares(row)
    return {
        "records": report["records"],
        "quarantined": sum(kind["count"] for kind in kinds),
        "lost": report["lost"],
        "faults": {kind["reason"]: kind["count"] for kind in kinds},
        "filled": {key: round(count / max(whole.sessions, 1), 4) for key, count in keys.items() if key != "(others)"},
        "from": dates[0] if dates else None,
        "until": dates[-1] if dates else None,
        "services": _most((row["service"], row["records"]) for row in report["by_service"]),
        "levels": {},
        "files": {row["file"]: row["records"] for row in rows},
        "templates": words["size"],
        "sessions": report["sessions"],
        "distinct_sequences": report["distinct_sequences"],
        "session_length": {name: lengths[name] for name in ("mean", "min", "median", "max")},
        "days": (date.fromisoformat(dates[-1]) - date.fromisoformat(dates[0])).days + 1.0 if dates else None,
        "labels": {"normal": truth[False], "anomalous": truth[True], "unknown": truth[None]},
        "file_count": len(files),
        "bytes": report["bytes"],
        "with_error": whole.with_error if known["error"] else None,
        "error_share": report["with_error"] if known["error"] else None,
        "with_warn": whole.with_warn if known["warn"] else None,
        "warn_share": report["with_warn"] if known["warn"] else None,
        "duplicate_sessions": report["duplicate_sessions"],
        "repeated_session_ids": report["repeated_session_ids"],
        "counted_exactly": report["counted_exactly"],
        "length_quantiles": {name: lengths[name] for name in ("p90", "p99")},
        "length_histogram": lengths["histogram"],
        "by_service": report["by_service"],
        "by_day": days,
        **missing(dates),
        "vocabulary": {"of": "event ids", "over": "sessions", **words},
        "keys": report["keys"],
        "padded_length": report["padded_length"],
        "by_file": [
            {name: row[name] for name in ("file", "day", "bytes", "sessions", "records", "lost", "faults")}
            for row in rows
        ],
        "fault_kinds": kinds,
    }


def _most(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    return dict(sorted(pairs, key=lambda pair: -pair[1])[:LISTED])


def near(example: Example) -> str:
    """The text around the faulty byte, where this byte is not at the beginning of the kept text."""
    text, place = example.text.encode(), example.place - example.offset
    if not AROUND < place < len(text) or "\ufffd" in example.text:
        return ""
    return text[place - AROUND : place + AROUND].decode(errors="ignore")
