"""Bursts as an Arrow table, which is how the state of incidents is kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import pyarrow as pa

from logradar.alerting.burst import Burst, ServiceShare
from logradar.core.tables import EVIDENCE, SEVERITY_PART

_INT: Final = pa.int64()
_PLAIN: Final = ("start", "last", "since", "count", "rates", "max_level", "found")
_NAMED: Final = ("ids", "changes")
_TEXTS: Final = pa.list_(pa.string())
_ROW: Final = [
    ("id", pa.string()),
    ("time", _INT),
    ("way", pa.string()),
    ("line", EVIDENCE),
    ("severity_score", pa.float64()),
    ("parts", pa.list_(SEVERITY_PART)),
    ("weight", pa.list_(pa.float64())),
]
BURSTS: Final = pa.schema(
    [
        ("marks", pa.list_(pa.struct([("mark", pa.string()), ("start", _INT), ("last", _INT)]))),
        ("start", _INT),
        ("last", _INT),
        ("since", _INT),
        ("count", _INT),
        ("rates", _INT),
        ("ways", pa.list_(pa.struct([("way", pa.string()), ("count", _INT)]))),
        (
            "services",
            pa.list_(pa.struct([("service", pa.string()), ("alerts", _INT), ("weight", _INT), ("first", _INT)])),
        ),
        ("touched", _TEXTS),
        ("opened_in", pa.string()),
        *((name, pa.list_(pa.struct([("time", _INT), ("id", pa.string())]))) for name in _NAMED),
        ("sessions", _TEXTS),
        ("heads", pa.list_(pa.struct(_ROW))),
        ("first", pa.struct(_ROW)),
        ("parts", pa.list_(SEVERITY_PART)),
        ("max_level", _INT),
        ("found", _INT),
        ("names", _TEXTS),
    ]
)


def bursts_table(bursts: Iterable[Burst]) -> pa.Table:
    """The table of ``bursts``, in their order."""
    return pa.Table.from_pylist([_plain(burst) for burst in bursts], schema=BURSTS)


def bursts_of(table: pa.Table) -> list[Burst]:
    """The bursts that `bursts_table` wrote. Raises `ValueError` for another kind of table."""
    if not table.schema.equals(BURSTS):
        raise ValueError("the table of bursts has other columns")
    return [_burst(row) for row in table.to_pylist()]


def _plain(burst: Burst) -> dict[str, Any]:
    return {
        **{name: getattr(burst, name) for name in (*_PLAIN, "opened_in")},
        **{name: list(getattr(burst, name)) for name in ("touched", "sessions")},
        "marks": [{"mark": mark, "start": start, "last": last} for mark, (start, last) in burst.marks.items()],
        "ways": [{"way": way, "count": count} for way, count in burst.ways.items()],
        "services": [
            {"service": name, "alerts": one.alerts, "weight": one.weight, "first": one.first}
            for name, one in burst.services.items()
        ],
        **{name: [{"time": time, "id": id_} for time, id_ in getattr(burst, name)] for name in _NAMED},
        "heads": [_with_parts(row) for row in burst.heads.values()],
        "first": _with_parts(burst.first),
        "parts": _listed(burst.parts),
        "names": sorted(burst.names),
    }


def _burst(row: dict[str, Any]) -> Burst:
    return Burst(
        **{name: row[name] for name in _PLAIN},
        touched=tuple(row["touched"]),
        opened_in=row["opened_in"],
        sessions=tuple(row["sessions"]),
        marks={one["mark"]: (one["start"], one["last"]) for one in row["marks"]},
        ways={one["way"]: one["count"] for one in row["ways"]},
        services={one["service"]: ServiceShare(one["alerts"], one["weight"], one["first"]) for one in row["services"]},
        ids=tuple((one["time"], one["id"]) for one in row["ids"]),
        changes=tuple((one["time"], one["id"]) for one in row["changes"]),
        heads={head["way"]: head | {"parts": _by_name(head["parts"])} for head in row["heads"]},
        first=row["first"] | {"parts": _by_name(row["first"]["parts"])},
        parts=_by_name(row["parts"]),
        names=set(row["names"]),
    )


def _with_parts(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"parts": _listed(row["parts"])}


def _listed(parts: dict[str, float]) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in parts.items()]


def _by_name(parts: list[dict[str, Any]]) -> dict[str, float]:
    return {part["name"]: part["value"] for part in parts}
