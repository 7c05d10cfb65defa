"""Upserts: a row that is there already is replaced, added to, or left as it is; in SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Table, case
from sqlalchemy.dialects import postgresql, sqlite

TOGETHER: Final = 500  # values that one statement names at most: SQLite takes 999 in its older versions


def upsert(
    connection: Connection,
    table: Table,
    rows: Sequence[dict[str, Any]],
    *,
    keep: Collection[str] = (),
    add: Collection[str] = (),
    least: Collection[str] = (),
    most: Collection[str] = (),
) -> None:
    """Insert the rows, each with every column; one whose key is there replaces the row.

    Of a row that is there, columns of ``keep`` stay, to those of ``add`` the new value is added, and of ``least`` and
    ``most`` the smaller or larger value stays. The driver sends a statement for each row, so rows may be any number.
    """
    if not rows:
        return
    insert = _insert(connection, table)
    key = [column.name for column in table.primary_key]
    changes: dict[str, Any] = {}
    for name in rows[0]:
        old, new = table.c[name], insert.excluded[name]
        if name in add:
            changes[name] = old + new
        elif name in least:
            changes[name] = case((new < old, new), else_=old)
        elif name in most:
            changes[name] = case((new > old, new), else_=old)
        elif name not in keep and name not in key:
            changes[name] = new
    statement = insert.on_conflict_do_update(index_elements=key, set_=changes)
    connection.execute(statement if changes else insert.on_conflict_do_nothing(), rows)


def insert_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert the rows that are not there; a row with a key that is there (of any unique constraint) is left out."""
    if rows:
        connection.execute(_insert(connection, table).on_conflict_do_nothing(), rows)


def pieces(values: Iterable[str]) -> Iterator[list[str]]:
    """The distinct values, sorted, in lists that fit into a statement."""
    distinct = sorted(set(values))
    for start in range(0, len(distinct), TOGETHER):
        yield distinct[start : start + TOGETHER]


def _insert(connection: Connection, table: Table) -> Any:
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)
