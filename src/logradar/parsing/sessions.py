"""Sessions: events that belong together, by their key or by windows of count or time.

Records that carry a key (block, trace, request, …) form one session for each key. Records without
one form windows for each service, so that nothing is lost. A session with more than ``max_length``
events is cut into parts ``key``, ``key#2``, ``key#3``, …, so that memory stays bounded.

Events stand in order of time, then of record. A record without a time keeps its place: it takes the
time of the record before it (or after it, at the start).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import polars as pl
import pyarrow as pa
from pydantic import Field, model_validator

from logradar.core.config import Config
from logradar.core.errors import DataError
from logradar.core.tables import EVENTS, NAME, SESSIONS, TIMESTAMP, check, conform

_SECOND: Final = 1_000_000  # in microseconds
_NO_SERVICE: Final = "log"


class SessionSettings(Config):
    """How events are grouped into sessions, and what ends a session."""

    by: Literal["auto", "key", "count", "time"] = Field(
        "auto", description="session key, or windows of count or time; auto: key where any record has one, else count"
    )
    size: int = Field(50, ge=1, le=10**9, description="events of a window of count")
    step: int | None = Field(None, ge=1, description="events between starts of windows; less than size: they overlap")
    seconds: float = Field(60.0, ge=1e-3, le=1e9, description="length of a window of time")
    step_seconds: float | None = Field(None, ge=1e-3, description="seconds between starts of windows")
    unkeyed: Literal["windows", "drop"] = Field(
        "windows", description="records without a key while others have one: windows of count by service, or none"
    )
    min_length: int = Field(1, ge=1, le=10**9, description="sessions with fewer events are dropped")
    max_length: int = Field(10_000, ge=2, le=10**9, description="sessions with more events are cut into parts")

    @model_validator(mode="after")
    def _no_gaps(self) -> SessionSettings:
        for step, size, name in ((self.step, self.size, "size"), (self.step_seconds, self.seconds, "seconds")):
            if step is not None and step > size:
                raise ValueError(f"a step of {step} is longer than '{name}' ({size}), records between would be lost")
        return self


@dataclass(frozen=True)
class Sessions:
    """SESSIONS in order of their first event, and what became of the records."""

    table: pa.Table
    keyed: int  # records that went by their key
    windowed: int  # records that went into windows
    dropped: int  # records that are in no session
    cut: int  # sessions that were cut into parts


def sessions(events: pa.Table, settings: SessionSettings | None = None, ids: pa.Array | None = None) -> Sessions:
    """EVENTS as SESSIONS; with ``ids`` (from `session_ids`) exactly those.

    Raises `DataError` where windows of time are asked for and no record has a time.
    """
    check(events, EVENTS)
    settings = settings or SessionSettings()
    if ids is not None:
        settings = settings.model_copy(update={"by": "key", "unkeyed": "drop"})
        events = events.set_column(events.schema.get_field_index("session_key"), "session_key", ids)
    ordered = _ordered(events)
    groups = _groups(ordered, settings, overlap=True)
    kept = groups.filter(pl.col("at").list.len() >= settings.min_length)
    inside = kept["at"].explode(empty_as_null=False).n_unique() if len(kept) else 0
    by_keys = _by_keys(ordered, settings)
    keyed = len(ordered) - ordered["session_key"].null_count() if by_keys else 0
    windowed = 0 if by_keys and settings.unkeyed == "drop" else len(ordered) - keyed
    cut = int((groups["part"] == 1).sum())
    return Sessions(_table(ordered, kept), keyed, windowed, len(ordered) - inside, cut)


def by_key(events: pa.Table) -> pa.Table:
    """SESSIONS of the records that have a session key; others are left out."""
    return sessions(events, SessionSettings(by="key", unkeyed="drop")).table


def by_count(events: pa.Table, size: int, step: int | None = None) -> pa.Table:
    """SESSIONS of ``size`` events of one service that follow each other, every ``step`` events."""
    return sessions(events, SessionSettings(by="count", size=size, step=step)).table


def by_time(events: pa.Table, seconds: float, step: float | None = None) -> pa.Table:
    """SESSIONS of one service within ``seconds``, every ``step`` seconds; empty windows are left out."""
    return sessions(events, SessionSettings(by="time", seconds=seconds, step_seconds=step)).table


def session_ids(records: pa.Table, settings: SessionSettings | None = None) -> pa.Array:
    """One session id for each row of LOG_RECORDS or EVENTS, null for those that are dropped.

    Needs no templates, so that data can be split before templates are mined. Where windows overlap,
    it is the id of the last window that the record is in.
    """
    ordered = _ordered(records)
    groups = _groups(ordered, settings or SessionSettings(), overlap=False)
    laid = groups.with_row_index("session").select("session", "at").explode("at")
    session = np.full(len(ordered), -1, np.int64)
    session[ordered["row"].to_numpy()[laid["at"].to_numpy()]] = laid["session"].to_numpy()
    return groups["session_id"].to_arrow().cast(pa.string()).take(pa.array(session, mask=session < 0))


def _ordered(records: pa.Table) -> pl.DataFrame:
    """The columns that sessions are made of, in order of time; ``row`` is the place in ``records``."""
    wanted = ["record_id", "timestamp", "service", "level", "template_id", "session_key", "label"]
    columns = {name: records[name] for name in wanted if name in records.column_names}
    columns["service"] = (
        columns["service"].cast(pa.string()) if "service" in columns else pa.nulls(len(records), pa.string())
    )
    columns.setdefault("session_key", pa.nulls(len(records), pa.string()))
    columns.setdefault("timestamp", pa.nulls(len(records), TIMESTAMP))
    frame = pl.DataFrame(pl.from_arrow(pa.table(columns)))
    frame = frame.with_columns(
        pl.int_range(len(frame)).alias("row"),
        pl.col("timestamp").dt.timestamp("us").alias("time"),
        pl.col("service").cast(pl.Categorical),
    )
    if frame["time"].null_count():
        frame = frame.sort("record_id").with_columns(pl.col("time").forward_fill().backward_fill())
    frame = frame.sort("time", "record_id", maintain_order=True)
    return frame.with_columns(pl.int_range(len(frame)).alias("at"))


def _by_keys(frame: pl.DataFrame, settings: SessionSettings) -> bool:
    return settings.by == "key" or (settings.by == "auto" and frame["session_key"].null_count() < len(frame))


def _groups(frame: pl.DataFrame, settings: SessionSettings, overlap: bool) -> pl.DataFrame:
    """One row per session: ``session_id``, ``part`` (from 0) and ``at``, the places of its events."""
    keyed, rest, windows = frame.clear(), frame, settings
    if _by_keys(frame, settings):
        has_key = pl.col("session_key").is_not_null()
        keyed = frame.filter(has_key)
        rest = frame.filter(~has_key) if settings.unkeyed == "windows" else frame.clear()
        windows = settings.model_copy(update={"by": "count"})
    by_key = _parted(keyed, ["session_key"], settings).select("part", "at", name="session_key")
    by_window = _parted(_windows(rest, windows, overlap), ["service", "window"], settings)
    by_window = by_window.select("part", "at", name=_window_name(windows))
    groups = pl.concat([by_key, by_window]).sort(pl.col("at").list.first(), maintain_order=True)
    part = pl.when(pl.col("part") > 0).then(pl.format("#{}", pl.col("part") + 1)).otherwise(pl.lit(""))
    return groups.with_columns(session_id=_unique(groups.select(pl.col("name") + part).to_series()))


def _parted(frame: pl.DataFrame, group: list[str], settings: SessionSettings) -> pl.DataFrame:
    """Groups with at most ``max_length`` events; the rest of a longer one are parts of their own."""
    groups = frame.group_by(group, maintain_order=True).agg("at").with_row_index("group").with_columns(part=pl.lit(0))
    long = groups["at"].list.len() > settings.max_length
    if long.any():
        part = pl.int_range(pl.len()).over("group") // settings.max_length
        cut = groups.filter(long).explode("at").with_columns(part=part.cast(pl.Int32))
        cut = cut.group_by("group", *group, "part", maintain_order=True).agg("at")
        groups = pl.concat([groups.filter(~long), cut.select(groups.columns)])
    return groups


def _windows(frame: pl.DataFrame, settings: SessionSettings, overlap: bool) -> pl.DataFrame:
    """Each event with the number of the ``window`` that it is in, once for each if they overlap."""
    if settings.by == "time":
        if frame["time"].null_count():
            raise DataError("Windows of time need timestamps and no record has one; take windows of count: by=count.")
        size, step = round(settings.seconds * _SECOND), _time_step(settings)
        frame = frame.with_columns(place="time")
    else:
        size, step = settings.size, settings.step or settings.size
        frame = frame.with_columns(place=pl.int_range(pl.len()).over("service"))
    place = pl.col("place")
    first, end = place.min().over("service"), place.max().over("service") + 1
    # A window that begins before the first event, or lies in the one before it, says nothing new.
    last = pl.min_horizontal(place // step, pl.max_horizontal((end - size + step - 1) // step, first // step))
    if not overlap or step >= size:
        return frame.with_columns(window=last)
    begin = pl.max_horizontal((place - size) // step + 1, first // step)
    return frame.with_columns(window=pl.int_ranges(begin, last + 1)).explode("window")


def _time_step(settings: SessionSettings) -> int:
    return round((settings.step_seconds or settings.seconds) * _SECOND)


def _window_name(settings: SessionSettings) -> pl.Expr:
    """``service[3]`` for the fourth window of count, ``service[2026-01-31T10:00:00.000]`` for one of time."""
    window = pl.col("window")
    if settings.by == "time":
        start = pl.from_epoch(window * _time_step(settings), time_unit="us")
        window = start.dt.strftime("%Y-%m-%dT%H:%M:%S%.3f")
    return pl.format("{}[{}]", pl.col("service").cast(pl.String).fill_null(_NO_SERVICE), window)


def _unique(names: pl.Series) -> pl.Series:
    """The names, those that came before with ``~2``, ``~3``, … behind them."""
    while names.n_unique() < len(names):
        again = pl.int_range(pl.len()).over("name") + 1
        mark = pl.when(again > 1).then(pl.format("~{}", again)).otherwise(pl.lit(""))
        names = names.to_frame("name").select(pl.col("name") + mark).to_series()
    return names


def _table(frame: pl.DataFrame, groups: pl.DataFrame) -> pa.Table:
    """SESSIONS of the groups of places in the ordered frame."""
    if not len(groups):
        return SESSIONS.empty_table()
    laid = groups.with_row_index("session").select("session", "at").explode("at")
    events = frame[laid["at"]].with_columns(session=laid["session"])
    first = pl.col("session") != pl.col("session").shift()
    gap = pl.when(first.fill_null(True)).then(0).otherwise(pl.col("time").diff()).fill_null(0) / _SECOND
    events = events.with_columns(gap=gap.cast(pl.Float32))
    facts = events.group_by("session", maintain_order=True).agg(
        pl.col("timestamp").min().alias("start"),
        pl.col("timestamp").max().alias("end"),
        pl.col("record_id").alias("record_ids"),
        pl.col("template_id").alias("template_ids"),
        pl.col("gap").alias("gaps"),
        pl.col("level").max().alias("max_level"),
        pl.when(pl.col("label").is_not_null().any()).then(pl.col("label").any()).alias("label"),
    )
    table = facts.with_columns(session_id=groups["session_id"]).to_arrow()
    return conform(table.append_column(pa.field("service", NAME), _services(events)), SESSIONS)


def _services(events: pl.DataFrame) -> pa.ChunkedArray:
    """The service of most events of each session; of equals the one that comes first."""
    counted = events.group_by("session", "service", maintain_order=True).len()
    counted = counted.with_columns(pl.when(pl.col("service").is_null()).then(0).otherwise("len").alias("len"))
    most = counted.sort("session", "len", descending=[False, True], maintain_order=True)
    most = most.unique("session", keep="first", maintain_order=True)
    return most["service"].cast(pl.String).to_frame().to_arrow()["service"].cast(pa.string()).dictionary_encode()
