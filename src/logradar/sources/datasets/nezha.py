"""The CSV files of the Nezha data sets: log lines of microservices with traces, labels from a list of faults."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import polars as pl
import pyarrow as pa

from logradar.core.errors import InputError
from logradar.core.quarantine import Quarantine
from logradar.core.tables import LOG_RECORDS, conform
from logradar.sources.base import Hints, Source
from logradar.sources.opening.levels import levels
from logradar.sources.opening.reading import Block, read_blocks
from logradar.sources.opening.session_keys import extract

HEADER: Final = "Window,Timestamp,TimeUnixNano,Node,PodName,Container,TraceID,SpanID,Log"
TIME: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
ROW: Final = (
    rf"^[^,]{{0,40}},(?P<time>{TIME})Z?,-?[0-9]+,[^,]*,(?P<pod>[^,]{{1,253}}),[^,]*,[0-9a-f]{{1,64}},"
    r'[0-9a-f]*,"\{""log"":""(?P<log>(?:[^"\\]|\\[^"]|\\"")*)"".*"$'
)
POD: Final = r"-[0-9a-f]{8,10}-[0-9a-z]{5}$"
PLAIN: Final = r"^[0-9:.,]{8,15} +(?P<level>[A-Z]+) +(?P<component>\S+) "
TRACED: Final = r"TraceID: ?[0-9a-f]+ SpanID: ?[0-9a-f]+ ?"
OBJECT: Final = r"(?s)^\{.*\}$"  # a line that is JSON as a whole; other lines may hold some
STATEMENT: Final = re.compile(r"(\S+#[0-9]+)_")
ACTIVE: Final = timedelta(seconds=150)  # the windows of a fault end less than 130 s after its start


@dataclass(frozen=True)
class Fault:
    """A fault in the list: its start (UTC), its service, its type, and the log statement before it."""

    time: datetime
    service: str
    kind: str
    statement: str | None = None  # class#line, as in the column ``component``


class Nezha(Source):
    """Log lines of microservices as CSV, by trace; labels come from ``*fault_list*.json`` in the same folder.

    A line is anomalous if a fault was injected into its service less than 150 s before. If ``root_cause_ts.json``
    names the log statement right before the fault, only lines of that statement are anomalous. A trace is
    anomalous if one of its lines is. Lines that are in several windows are used once. Times come from the column
    Timestamp, because TimeUnixNano is not valid in some lines (exceptions among them). Yu et al., Nezha, ESEC/FSE
    2023.
    """

    session_key: ClassVar[str | None] = r"^[^,]*,[^,]*,[^,]*,[^,]*,[^,]*,[^,]*,([0-9a-f]+),"
    beside: ClassVar[tuple[str, ...]] = ("*fault_list*.json", "root_cause_ts.json")
    services: ClassVar[str]  # regex of a service of the system

    @classmethod
    def recognises(cls, path: Path, head: Sequence[str]) -> float:
        """0.95 for the header and services of the system, 0.4 for the header alone."""
        if not head or head[0].strip() != HEADER or len(head) < 2:
            return 0.0
        pods = [line.split(",")[4] for line in head[1:20] if line.count(",") > 8]
        matching = sum(re.match(cls.services, pod) is not None for pod in pods)
        return 0.95 if matching > len(pods) / 2 else 0.4

    def read(self, files: Sequence[Path], hints: Hints, quarantine: Quarantine) -> Iterator[pa.Table]:
        """LOG_RECORDS with time, service, level and label; rows that cannot be read are quarantined."""
        record_id = 0
        for file in files:
            name, faults = hints.name(file), faults_beside(file)
            unique = _FirstOccurrences()
            try:
                for block in read_blocks(file, name, quarantine, hints.limits, hints.on_progress):
                    rows = unique.of(_rows(block, name, quarantine))
                    if not len(rows):
                        continue
                    yield self._table(rows, record_id, name, hints, faults)
                    record_id += len(rows)
            except OSError as error:
                quarantine.add(name, "file that cannot be read to its end", text=str(error))
            if unique.repeated:
                quarantine.add(name, "line that is in several windows, used once", count=unique.repeated)

    def _table(
        self, rows: pl.DataFrame, record_id: int, name: str, hints: Hints, faults: Sequence[Fault] | None
    ) -> pa.Table:
        count = len(rows)
        rows = rows.with_columns(
            service=pl.col("pod").str.replace(POD, ""),
            message=pl.format('"{}"', pl.col("log").str.replace_all('""', '"', literal=True)).str.json_decode(
                pl.String
            ),
        )
        text = rows["message"].str.strip_chars()
        whole = pl.select(pl.when(text.str.contains(OBJECT)).then(text)).to_series()
        message = whole.str.json_path_match("$.message")
        message = pl.select(pl.when(message != "").then(message)).to_series()
        plain = text.str.extract_groups(PLAIN).struct.unnest()
        body = pl.select(pl.coalesce(message, text.str.replace(PLAIN, ""))).to_series().str.replace(TRACED, "")
        level = pl.select(pl.coalesce(plain["level"], whole.str.json_path_match("$.severity"))).to_series()
        keys = extract(rows["text"], rows["text"], hints.session_key) if hints.session_key else None
        columns: dict[str, Any] = {
            "record_id": pa.array(np.arange(record_id, record_id + count)),
            "timestamp": rows["timestamp"].to_arrow(),
            "source": pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), pa.array([name])),
            "line": rows["line"].to_arrow(),
            "service": rows["service"].to_arrow().cast(pa.string()).dictionary_encode(),
            "level": levels(level).to_arrow(),
            "component": plain["component"].to_arrow().cast(pa.string()).dictionary_encode(),
            "body": body.to_arrow(),
        }
        if keys is not None:
            columns["session_key"] = keys.to_arrow()
        if faults is not None:
            kind = _kinds(rows.with_columns(plain["component"]), faults)
            columns["label"] = kind.is_not_null().to_arrow()
            if keys is not None:
                faulty = pl.DataFrame({"key": keys, "kind": kind}).drop_nulls().unique("key", keep="first")
                hints.on_fault_kinds(dict(faulty.iter_rows()))
        return conform(pa.table(columns), LOG_RECORDS)


class _FirstOccurrences:
    """Keeps the first of several rows that differ only in their window."""

    def __init__(self) -> None:
        self.repeated = 0
        self._seen = np.empty(0, np.uint64)

    def of(self, rows: pl.DataFrame) -> pl.DataFrame:
        hashes = rows.select(pl.struct("time", "pod", "log").hash()).to_series().to_numpy()
        _, first = np.unique(hashes, return_index=True)
        new = np.zeros(len(rows), bool)
        new[first] = True
        new &= ~np.isin(hashes, self._seen)
        self._seen = np.concatenate([self._seen, hashes[new]])
        self.repeated += int((~new).sum())
        return rows.filter(pl.Series(new, dtype=pl.Boolean))


def faults_beside(file: Path) -> list[Fault] | None:
    """The faults of all lists in the folder of a file, in order of time; None if there is no list.

    Times are ``inject_time``, because ``inject_timestamp`` is wrong by 8 hours. Raises `InputError` for a list that
    cannot be read.
    """
    lists = sorted(file.parent.glob("*fault_list*.json"))
    if not lists:
        return None
    faults = []
    causes = _causes(file.parent / "root_cause_ts.json")
    for path in lists:
        try:
            for entry in (entry for hour in json.loads(path.read_bytes()).values() for entry in hour):
                began = datetime.strptime(entry["inject_time"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
                service, kind = re.sub(POD, "", entry["inject_pod"]), entry["inject_type"]
                faults.append(Fault(began, service, kind, causes.get((service, kind))))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"The list of faults '{path}' cannot be read ({type(error).__name__}: {error}); it must list hours "
                "with entries of inject_time, inject_pod and inject_type."
            ) from None
    return sorted(faults, key=lambda fault: fault.time)


def _causes(file: Path) -> dict[tuple[str, str], str]:
    """The log statement before a fault, by service and type, if it is known: ``A#1_B#2`` is read as ``A#1``."""
    if not file.is_file():
        return {}
    try:
        causes = json.loads(file.read_bytes())
        places = {(service, kind): place for service, kinds in causes.items() for kind, place in kinds.items()}
        statements = {key: STATEMENT.match(place) for key, place in places.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"The causes '{file}' cannot be read ({type(error).__name__}: {error}); it must list services "
            "with types of fault and log statements."
        ) from None
    return {key: statement[1] for key, statement in statements.items() if statement}


def _kinds(rows: pl.DataFrame, faults: Sequence[Fault]) -> pl.Series:
    """For each row the type of the fault that its service had when the line was logged, or null."""
    kind = pl.lit(None, pl.String)
    for fault in faults:
        inside = pl.col("timestamp").is_between(fault.time, fault.time + ACTIVE, closed="left")
        here = pl.col("service") == fault.service
        if fault.statement:
            here &= pl.col("component") == fault.statement
        kind = pl.when(inside & here).then(pl.lit(fault.kind)).otherwise(kind)
    return rows.select(kind.alias("kind")).to_series()


def _rows(block: Block, name: str, quarantine: Quarantine) -> pl.DataFrame:
    rows = block.frame.with_columns(pl.col("text").str.strip_chars_end("\r"))
    rows = rows.filter((pl.col("text") != "") & ((pl.col("line") > 1) | (pl.col("text") != HEADER)))
    rows = rows.with_columns(pl.col("text").str.extract_groups(ROW).alias("row")).unnest("row")
    time = rows["time"].str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False, ambiguous="null")
    rows = rows.with_columns(timestamp=time.dt.replace_time_zone("UTC"))
    bad = rows["timestamp"].is_null()
    if bad.any():
        lines = rows.filter(bad).select("line", "text").rows()
        quarantine.add_lines(name, "row that is not a log line of a microservice", lines)
    return rows.filter(~bad)
