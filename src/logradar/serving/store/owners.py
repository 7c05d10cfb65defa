"""Owners: an incident that became part of another one keeps its own members, which belong to the other one now.

Nothing is moved when incidents merge, so writing the same steps again leads to the same members.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Connection, Select, literal, select

from logradar.serving.store.schema import INCIDENT_MEMBERS, INCIDENTS, MERGED, TEXT
from logradar.serving.store.upsert import pieces

_ROUNDS: Final = 64  # merges of merges that are followed


def ids_within(role: str, incident_id: str) -> Select[Any]:
    """A query for the ids of an incident and of all that are part of it, through others too."""
    within = select(literal(incident_id, TEXT).label("id")).cte("within", recursive=True)
    table = INCIDENTS.c
    part = select(table.incident_id).where(table.role == role, table.merged_into == within.c.id, table.status == MERGED)
    return select(within.union(part).c.id)


def members_within(role: str, incident_id: str, sort: str) -> Select[Any]:
    """A query for the ids of alerts or of rate changes (by ``sort``) of an incident and of all that are part of it."""
    table = INCIDENT_MEMBERS.c
    return select(table.member_id).where(
        table.role == role, table.sort == sort, table.incident_id.in_(ids_within(role, incident_id))
    )


def owners(connection: Connection, role: str, sort: str, member_ids: Iterable[str]) -> dict[str, str]:
    """The incident that each alert or rate change belongs to now; one without an incident is left out."""
    table = INCIDENT_MEMBERS.c
    found: dict[str, str] = {}
    for ids in pieces(member_ids):
        query = select(table.member_id, table.incident_id)
        rows = connection.execute(query.where(table.role == role, table.sort == sort, table.member_id.in_(ids)))
        found |= dict(rows.tuples().all())
    into = _merged(connection, role, found.values())
    return {member: owner for member, id_ in found.items() if (owner := _end(id_, into)) is not None}


def _merged(connection: Connection, role: str, ids: Iterable[str]) -> dict[str, str | None]:
    """What each of the incidents, and each that it leads to, was merged into; those that were not are left out."""
    table = INCIDENTS.c
    into: dict[str, str | None] = {}
    ask = set(ids)
    for _ in range(_ROUNDS):
        fresh: dict[str, str | None] = {}
        for some in pieces(ask):
            query = select(table.incident_id, table.merged_into)
            fresh |= dict(
                connection.execute(query.where(table.role == role, table.status == MERGED, table.incident_id.in_(some)))
                .tuples()
                .all()
            )
        into |= fresh
        ask = {id_ for id_ in fresh.values() if id_ is not None} - into.keys()
        if not ask:
            break
    return into


def _end(id_: str, into: dict[str, str | None]) -> str | None:
    """Where the way from an incident through merges ends; None where it was withdrawn, or goes round."""
    seen: set[str] = set()
    here: str | None = id_
    while here is not None and here in into:
        if here in seen:
            return None
        seen.add(here)
        here = into[here]
    return here
