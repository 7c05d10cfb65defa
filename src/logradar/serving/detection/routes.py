"""Routes: all bundles that are at work, which records each of them gets, and how one takes the place of another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from logradar.core.errors import StateError
from logradar.scoring.stream import Step
from logradar.serving.detection.route import Route, RoutePlan, shares

DRAIN_TICKS: Final = 1_200  # ticks after which open sessions of a bundle that was replaced are over: ten minutes


class Routes:
    """The routes in the order in which they were named; one that drains comes after those that took its place.

    The open sessions of each hold at most ``most_open`` records.
    """

    def __init__(self, most_open: int | None = None) -> None:
        self._routes: list[Route] = []
        self._most_open = most_open

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def __len__(self) -> int:
        return sum(not route.draining for route in self._routes)

    @property
    def plans(self) -> list[RoutePlan]:
        """What is at work, without what drains."""
        return [route.plan for route in self._routes if not route.draining]

    def put(self, plan: RoutePlan, tick: int) -> None:
        """Let a bundle work, in the place of the one of this name and role; that one drains.

        Raises the errors of `Route.of`; then nothing changes.
        """
        route = Route.of(plan, self._most_open)
        self.remove(plan.name, plan.role, tick)
        self._routes.insert(len(self), route)

    def remove(self, name: str, role: str, tick: int) -> None:
        """Let the bundle of this name and role drain."""
        for route in self._routes:
            if (route.plan.name, route.plan.role) == (name, role) and not route.draining:
                route.until = tick + DRAIN_TICKS
        self._routes.sort(key=lambda route: route.draining)

    def take(self, rows: pl.DataFrame, tick: int) -> Iterator[tuple[Route, pl.DataFrame, Step]]:
        """Score rows: each route with the rows that it got, the key of their session as ``trace``, and its step."""
        services = rows["service"].unique(maintain_order=True).to_list() if len(rows) else []
        kept = pl.repeat(True, len(rows), eager=True)
        draining = [route for route in self._routes if route.draining]
        for route in draining:
            mine = self._of_open_sessions(route, rows.filter(kept) if len(rows) else rows)
            if len(mine):
                yield _scored(route, mine)
                if route.plan.role == "active":
                    kept &= ~rows["seq"].is_in(mine["seq"].implode())
            if route.until is not None and (tick >= route.until or not route.stream.open_keys()):
                yield route, rows.clear(), route.stream.close(over=True)
                self._routes.remove(route)
        rest = rows.filter(kept) if len(rows) else rows
        current = [route for route in self._routes if not route.draining]
        for route, named in zip(current, shares(current, services), strict=True):
            mine = rest if len(named) == len(services) else rest.filter(_of_services(named))
            if len(mine):
                yield _scored(route, mine)

    def close(self) -> Iterator[tuple[Route, Step]]:
        """The end of the input: all open sessions are over, and the streams begin anew; incidents may go on."""
        for route in list(self._routes):
            yield route, route.stream.close(over=route.draining)
            if route.draining:
                self._routes.remove(route)
            else:
                fresh = Route.of(route.plan, self._most_open).stream
                fresh.succeed(route.stream)
                route.stream = fresh

    def _of_open_sessions(self, route: Route, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows whose session is open in a route that drains."""
        keys = route.stream.open_keys()
        if not len(rows) or not keys:
            return rows.clear()
        records = route.records(rows)
        mine = pc.is_in(records["session_key"], pa.array(sorted(keys), pa.string()))
        return rows.filter(pl.Series(pc.fill_null(mine, False).to_numpy()))

    def state(self) -> tuple[list[dict[str, Any]], dict[str, pa.Table]]:
        """The state: JSON values, and tables by name."""
        values: list[dict[str, Any]] = []
        tables: dict[str, pa.Table] = {}
        for number, route in enumerate(self._routes):
            values.append({**route.plan.document(), "until": route.until, "identity": route.bundle.identity})
            tables |= {f"route{number}.{name}": table for name, table in route.stream.tables().items()}
        return values, tables

    def restore(self, values: list[dict[str, Any]], tables: dict[str, pa.Table]) -> None:
        """Take over what `state` gave. Raises `StateError` where a bundle has changed, and the errors of `Route.of`."""
        for number, value in enumerate(values):
            route = Route.of(RoutePlan.of(value), self._most_open)
            if route.bundle.identity != value["identity"]:
                raise StateError(f"The bundle '{route.plan.bundle}' has changed since the state was saved.")
            prefix = f"route{number}."
            mine = {name.removeprefix(prefix): one for name, one in tables.items() if name.startswith(prefix)}
            route.stream.restore(mine)
            route.until = value["until"]
            self._routes.append(route)


def _of_services(named: list[str | None]) -> pl.Expr:
    known = [one for one in named if one is not None]
    found = pl.col("service").is_in(known)
    return found.fill_null(None in named)


def _scored(route: Route, rows: pl.DataFrame) -> tuple[Route, pl.DataFrame, Step]:
    records = route.records(rows)
    return route, rows.with_columns(pl.Series("trace", records["session_key"])), route.step(records)
