"""Pages of long lists: a page goes on behind the last row of the one before, whatever came or went meanwhile."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import orjson
from sqlalchemy import ColumnElement, Select, literal, tuple_

from logradar.serving.store.errors import QueryError

LARGEST_PAGE: Final = 1_000
_LONGEST: Final = 4_096  # characters of a cursor
_LARGEST: Final = 2**63 - 1


@dataclass(frozen=True)
class Page:
    """A piece of a list: ``items`` are JSON objects; ``next_cursor`` gives what follows, None at the end."""

    items: list[dict[str, Any]]
    next_cursor: str | None = None


@dataclass(frozen=True)
class Order:
    """A ``name``d order: by these ``columns``, all descending; the last ones tell all rows apart.

    ``kinds`` are the types of the columns' values. Rows name the columns as the table does.
    """

    name: str
    columns: tuple[ColumnElement[Any], ...]
    kinds: tuple[type, ...]

    def of_few(self) -> Order:
        """The same order for a query that finds few rows: SQLite looks them up and sorts them.

        Else it walks along the index of the order, and asks of each row of the table whether it is one of them.
        """
        first, *others = self.columns
        return Order(self.name, ((first + 0).label(first.key), *others), self.kinds)

    def _names(self) -> list[str]:
        return [str(column.key) for column in self.columns]

    def page(self, query: Select[Any], cursor: str | None, limit: int) -> Select[Any]:
        """The query for a page of ``limit`` rows, and one more, which tells whether there is another page."""
        require_limit(limit)
        if cursor is not None:
            key = decoded(cursor, self.name, self.kinds)
            values = [literal(value, column.type) for value, column in zip(key, self.columns, strict=True)]
            query = query.where(tuple_(*self.columns) < tuple_(*values))
        return query.order_by(*(column.desc() for column in self.columns)).limit(limit + 1)

    def cursor(self, rows: Sequence[Any], limit: int) -> str | None:
        """The cursor behind a page, given the rows of the query of `page`, which select the columns by name."""
        if len(rows) <= limit:
            return None
        last = rows[limit - 1]._mapping
        return encoded(self.name, [last[name] for name in self._names()])


def encoded(name: str, key: Sequence[Any]) -> str:
    """An opaque cursor: the name of an order, and the sort key of the last row."""
    return base64.urlsafe_b64encode(orjson.dumps([name, *key])).decode().rstrip("=")


def decoded(cursor: str, name: str, kinds: Sequence[type]) -> list[Any]:
    """The sort key in a cursor. Raises `QueryError` where it is damaged or of another list.

    >>> decoded(encoded("new", [5, "a"]), "new", (int, str))
    [5, 'a']
    """
    if len(cursor) > _LONGEST:
        _refuse()
    try:
        raw = cursor.encode("ascii")
        value = orjson.loads(base64.b64decode(raw + b"=" * (-len(raw) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        _refuse()
    if not isinstance(value, list) or len(value) != len(kinds) + 1 or value[0] != name:
        _refuse()
    key = [
        float(one) if kind is float and type(one) is int else one for one, kind in zip(value[1:], kinds, strict=True)
    ]
    if any(type(one) is not kind or "\0" in str(one) for one, kind in zip(key, kinds, strict=True)):
        _refuse()
    for one in key:
        require_range(one if isinstance(one, int) else 0, "cursor")
    return key


def require_limit(limit: int) -> None:
    """Raise `QueryError` unless this is a number of rows that a page can have."""
    if not 1 <= limit <= LARGEST_PAGE:
        raise QueryError(f"A page has 1 to {LARGEST_PAGE:,} entries, not {limit}: ask for several pages.")


def require_range(number: int | None, name: str) -> None:
    """Raise `QueryError` unless the number fits a column of the database."""
    if number is not None and not -_LARGEST <= number <= _LARGEST:
        raise QueryError(f"'{name}' is too large: give microseconds since 1970.")


def _refuse() -> NoReturn:
    raise QueryError("The cursor is damaged, or of another list: leave it out to begin with the first page.")
