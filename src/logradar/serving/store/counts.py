"""Counts, read: how much each service wrote over time, how it is now, and which services work together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, Select, and_, cast, func, select

from logradar.serving.store.count_rows import BANDS
from logradar.serving.store.database import Database
from logradar.serving.store.errors import QueryError
from logradar.serving.store.filters import known_role
from logradar.serving.store.moments import MINUTE
from logradar.serving.store.paging import require_range
from logradar.serving.store.schema import (
    ACTIVE,
    ALERT_SERVICES,
    ALERTS,
    INCIDENT_SERVICES,
    INCIDENTS,
    OPEN,
    SERVICE_COUNTS,
)
from logradar.serving.store.texts import asked_name

_C = SERVICE_COUNTS.c
_STEPS: Final = 5_000  # of a series
_NAMED: Final = 200  # services, and pairs of them, at most
_COMPARED: Final = 10_000  # alerts and open incidents, the last ones, whose services are compared


@dataclass(frozen=True)
class Series:
    """Records of services over time.

    Step i of a series is from ``start`` + i * ``step`` on (microseconds). ``services`` has for each service the bands
    'all', 'warn' and 'error', each a list of as many counts as there are steps; the busiest service is first.
    """

    start: int
    step: int
    services: dict[str, dict[str, list[int]]]


class Counts(Database):
    """Reads counts; times are microseconds."""

    def counts(self, since: int, until: int, step: int, *, service: str | None = None) -> Series:
        """A series of each service from ``since`` to before ``until``, in steps of whole minutes; at most 200 services.

        Raises `QueryError` where that are more than 5,000 steps.
        """
        require_range(since, "since")
        require_range(until, "until")
        if step < MINUTE or step % MINUTE:
            raise QueryError(f"A step is a whole number of minutes ({MINUTE:,} microseconds each), not {step}.")
        steps = max(0, -((since - until) // step))
        if steps > _STEPS:
            raise QueryError(f"That are {steps:,} steps, and a series has at most {_STEPS:,}: give a larger step.")
        asked = [_C.minute >= since, _C.minute < until]
        if service is not None:
            asked.append(_C.service == asked_name(service))
        number = ((_C.minute - since) // step).label("number")
        query = select(_C.service, number, *_sums()).where(*asked, _C.service.in_(_largest(asked)))
        with self.reading() as connection:
            rows = connection.execute(query.group_by(_C.service, number)).all()
        found: dict[str, dict[str, list[int]]] = {}
        for name, place, *sums in rows:
            bands = found.setdefault(name, {one: [0] * steps for one in BANDS})
            for band, count in zip(BANDS, sums, strict=True):
                bands[band][place] = count
        ranked = sorted(found, key=lambda name: (-sum(found[name]["all"]), name))
        return Series(since, step, {name: found[name] for name in ranked})

    def services(self, since: int, *, role: str = ACTIVE) -> list[dict[str, Any]]:
        """What each service did since a time, the one that wrote most first; at most 200.

        ``service``, ``records``, ``warnings`` and ``errors`` (records of level WARN, and of ERROR or worse), ``alerts``
        (whose most unusual line is of it), ``open_incidents``, and ``last_seen``, the last minute with a record.
        """
        require_range(since, "since")
        known_role(role)
        records, *others = _sums()
        counted = select(_C.service, records, *others, func.max(_C.minute)).where(_C.minute >= since)
        counted = counted.group_by(_C.service).order_by(records.desc(), _C.service).limit(_NAMED)
        alerted = select(ALERTS.c.service, func.count()).where(ALERTS.c.role == role, ALERTS.c.raised_at >= since)
        with self.reading() as connection:
            rows: list[Any] = list(connection.execute(counted))
            alerts: dict[str, int] = dict(connection.execute(alerted.group_by(ALERTS.c.service)).tuples().all())
            incidents: dict[str, int] = dict(connection.execute(_open_incidents(role)).tuples().all())
        found = {name: (records, warnings, errors, last) for name, records, warnings, errors, last in rows}
        for name in sorted({*alerts, *incidents} - found.keys())[: max(0, _NAMED - len(found))]:
            found[name] = (0, 0, 0, None)
        return [
            {
                "service": name,
                "records": records,
                "warnings": warnings,
                "errors": errors,
                "alerts": alerts.get(name, 0),
                "open_incidents": incidents.get(name, 0),
                "last_seen": last,
            }
            for name, (records, warnings, errors, last) in found.items()
        ]

    def edges(self, since: int, *, role: str = ACTIVE) -> list[tuple[str, str, int]]:
        """Pairs of services that sessions with an alert touched, and in how many; the 200 most frequent at most.

        Of more than 10,000 alerts the last ones count.
        """
        require_range(since, "since")
        known_role(role)
        one, other = ALERT_SERVICES.alias(), ALERT_SERVICES.alias()
        last = select(ALERTS.c.alert_id).where(ALERTS.c.role == role, ALERTS.c.raised_at >= since)
        last_ids = last.order_by(ALERTS.c.raised_at.desc()).limit(_COMPARED).subquery()
        pairs = last_ids.join(one, and_(one.c.role == role, one.c.alert_id == last_ids.c.alert_id)).join(
            other,
            and_(other.c.role == role, other.c.alert_id == last_ids.c.alert_id, other.c.service > one.c.service),
        )
        sessions = func.count()
        query = (
            select(one.c.service, other.c.service, sessions)
            .select_from(pairs)
            .group_by(one.c.service, other.c.service)
            .order_by(sessions.desc(), one.c.service, other.c.service)
            .limit(_NAMED)
        )
        with self.reading() as connection:
            return [(first, second, count) for first, second, count in connection.execute(query)]


def _sums() -> list[Any]:
    """The sums of the columns of `BANDS`; PostgreSQL sums to a decimal number."""
    return [cast(func.sum(_C[column]), BigInteger) for column in BANDS.values()]


def _largest(asked: list[Any]) -> Select[Any]:
    ranked = select(_C.service).where(*asked).group_by(_C.service)
    return ranked.order_by(func.sum(_C.records).desc(), _C.service).limit(_NAMED)


def _open_incidents(role: str) -> Select[Any]:
    """In how many open incidents each service is. There are few of them, so they are looked up first."""
    table = INCIDENT_SERVICES.c
    now = select(INCIDENTS.c.incident_id).where(INCIDENTS.c.role == role, INCIDENTS.c.status == OPEN)
    first = now.order_by(INCIDENTS.c.started_at.desc()).limit(_COMPARED).subquery()
    joined = first.join(INCIDENT_SERVICES, and_(table.role == role, table.incident_id == first.c.incident_id))
    return select(table.service, func.count()).select_from(joined).group_by(table.service)
